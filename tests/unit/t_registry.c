/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry: specs, versions, aliases, tokens; what it refuses to open; a
 * writer that is killed.
 * test: timeout 120
 */
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/registry/registry.h"
#include "daemon/registry/spec.h"
#include "daemon/registry/tokens.h"
#include "host/cleanup.h"
#include "host/file.h"
#include "tests/unit/check.h"

static char dir[] = "/tmp/t_registry.XXXXXX";
static char state[64]; /* below it, of the test at hand */
static struct registry *registry;
static struct err e;

static void fresh(const char *name)
{
	registry_close(take_ptr(registry));
	snprintf(state, sizeof(state), "%s/%s", dir, name);
	check_int(registry_open(&registry, state, &e), 0);
}

static void reopen(void)
{
	registry_close(take_ptr(registry));
	if (registry_open(&registry, state, &e) < 0)
		printf("%s\n", e.text);
	check(registry);
}

static char *path_of(const char *name)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", state, name);
	return path;
}

static void put_file(const char *name)
{
	int fd = open(path_of(name), O_CREAT | O_WRONLY, 0600);

	check(fd >= 0);
	check_int(write(fd, "x", 1), 1);
	close(fd);
}

static bool there(const char *name)
{
	return access(path_of(name), F_OK) == 0;
}

static struct version *stage(const char *name, const char *json)
{
	struct version *v = NULL;
	struct spec spec;
	char image[160], snapshot[200];

	check_int(spec_parse_text(&spec, json, strlen(json), &e), 0);
	check_int(registry_stage(registry, name, &spec, &v, &e), 0);
	spec_fini(&spec);
	put_file("images/abc.img");
	snprintf(image, sizeof(image), "%s", path_of("images/abc.img"));
	snprintf(snapshot, sizeof(snapshot), "%s/versions/%s-%u.snap", state,
		 name, v->number);
	put_file(snapshot + strlen(state) + 1);
	check_int(version_set_files(v, "abc", image, snapshot), 0);
	return v;
}

static uint32_t deploy(const char *name, uint32_t percent)
{
	struct version *v = stage(name, "{}");
	uint32_t number = v->number;

	check_int(registry_commit(registry, v, percent, &e), 0);
	version_unref(v);
	return number;
}

/* "1:90,2:10" */
static const char *live(const char *name)
{
	static char text[200];
	struct function *f = registry_find(registry, name);
	const struct alias *a = f ? function_alias(f, ALIAS_DEFAULT) : NULL;
	size_t at = 0;

	text[0] = '\0';
	for (uint32_t i = 0; a && i < a->share_count; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%u:%u",
				       i ? "," : "", a->shares[i].version,
				       a->shares[i].weight);
	return text;
}

/* ---- specs ---- */

static int parse(struct spec *s, const char *json)
{
	int r = spec_parse_text(s, json, strlen(json), &e);

	if (r < 0)
		spec_fini(s);
	return r;
}

static void test_spec_defaults(void)
{
	struct spec s;

	check_int(parse(&s, "{}"), 0);
	check_int(s.mode, FUNCTION_HTTP);
	check_int(s.isolation, ISOLATION_REQUEST);
	check_int(s.concurrency, 1);
	check_int(s.max_instances, 100);
	check_int(s.memory_bytes, 512 << 20);
	check_int(s.port, 8080);
	check_str(s.readiness, "/");
	check_int(s.total_ms, 300000);
	spec_fini(&s);
	check_int(parse(&s, "{\"isolation\": \"reuse\"}"), 0);
	check_int(s.concurrency, 16);
	spec_fini(&s);
	check_int(parse(&s, "{\"isolation\": \"reuse\", \"concurrency\": 2,"
			    " \"readiness\": null}"),
		  0);
	check_int(s.concurrency, 2);
	check(!s.readiness);
	spec_fini(&s);
}

static const char full_spec[] =
	"{\"mode\":\"http\",\"isolation\":\"reuse\",\"concurrency\":3,"
	"\"min_instances\":1,\"max_instances\":7,\"queue_max\":9,"
	"\"memory_bytes\":67108864,\"cpu_milli\":250,\"port\":3000,"
	"\"needs_token\":true,\"request_bytes_max\":1,"
	"\"response_bytes_max\":2,\"start_ms\":3,\"first_byte_ms\":4,"
	"\"idle_ms\":5,\"total_ms\":0,\"keep_ms\":7,\"grace_ms\":8,"
	"\"readiness\":\"/ready\",\"liveness\":\"/alive\","
	"\"liveness_ms\":900,\"content_type\":\"text/css\","
	"\"env\":{\"A\":\"1\",\"B\":\"\"},\"egress\":[\"example.com:443\"],"
	"\"routes\":[\"/x\",\"h.example/\"]}";

static void test_spec_round_trip(void)
{
	AUTO_FREE char *text = NULL;
	struct spec s;
	json_t *o;

	check_int(parse(&s, full_spec), 0);
	check_str(s.env.items[0], "A=1");
	check_str(s.env.items[1], "B=");
	o = spec_json(&s);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	spec_fini(&s);
	check_str(text, full_spec);
}

static void test_spec_errors(void)
{
	static const struct {
		const char *json, *says;
	} bad[] = {
		{ "", "not JSON" },
		{ "[]", "not a JSON object" },
		{ "{\"a\":1,\"a\":2}", "not JSON" },
		{ "{\"colour\":1}", "no key colour" },
		{ "{\"port\":0}", "port" },
		{ "{\"port\":65536}", "port" },
		{ "{\"port\":\"1\"}", "port" },
		{ "{\"port\":1.5}", "port" },
		{ "{\"min_instances\":-1}", "min_instances" },
		{ "{\"min_instances\":5,\"max_instances\":4}",
		  "min_instances" },
		{ "{\"memory_bytes\":1}", "memory_bytes" },
		{ "{\"mode\":\"ftp\"}", "mode is neither http nor stdio" },
		{ "{\"mode\":1}", "mode" },
		{ "{\"needs_token\":1}", "needs_token" },
		{ "{\"concurrency\":2}", "isolation request" },
		{ "{\"mode\":\"stdio\",\"isolation\":\"reuse\"}", "stdio" },
		{ "{\"readiness\":\"x\"}", "readiness" },
		{ "{\"readiness\":\"/a b\"}", "readiness" },
		{ "{\"content_type\":\"a\\nb/c\"}", "content_type" },
		{ "{\"env\":[]}", "env" },
		{ "{\"env\":{\"A=\":\"1\"}}", "env" },
		{ "{\"env\":{\"A\":1}}", "env" },
		{ "{\"env\":{\"A\":\"x\\u0000y\"}}", "not JSON" },
		{ "{\"egress\":\"all\"}", "egress" },
		{ "{\"egress\":[\"::\"]}", "egress" },
		{ "{\"routes\":[\"x\"]}", "routes" },
	};
	struct spec s;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		check(parse(&s, bad[i].json) < 0);
		if (!strstr(e.text, bad[i].says))
			printf("%s: %s\n", bad[i].json, e.text);
		check(strstr(e.text, bad[i].says));
	}
}

/* ---- versions and aliases ---- */

static void test_deploy(void)
{
	struct function *f;

	fresh("deploy");
	check(!registry_find(registry, "f"));
	check_int(deploy("f", 0), 1);
	check_str(live("f"), "1:100");
	check_int(deploy("f", 100), 2);
	check_str(live("f"), "2:100");
	check_int(deploy("f", 10), 3);
	check_str(live("f"), "2:90,3:10");
	check_int(deploy("f", 0), 4);
	check_str(live("f"), "2:90,3:10");
	reopen();
	check_str(live("f"), "2:90,3:10");
	f = registry_find(registry, "f");
	check(function_version(f, 4));
	check_str(function_version(f, 1)->snapshot_path,
		  path_of("versions/f-1.snap"));
	check_int(deploy("f", 100), 5);
}

static void test_weights(void)
{
	struct function *f;
	unsigned hits[4] = { 0 };

	fresh("weights");
	deploy("f", 100);
	deploy("f", 25);
	f = registry_find(registry, "f");
	for (uint32_t dice = 0; dice < 1000; dice++)
		hits[function_pick(f, NULL, dice)->number]++;
	check_int(hits[1], 750);
	check_int(hits[2], 250);
	check_int(function_pick(f, "1", 7)->number, 1);
	check(!function_pick(f, "3", 7));
	check(!function_pick(f, "99999999999", 7));
	check(!function_pick(f, "beta", 7));
	check_int(function_pick(f, "live", 999)->number, 2);
}

static void test_rollback(void)
{
	struct function *f;

	fresh("rollback");
	deploy("f", 100);
	f = registry_find(registry, "f");
	check_int(registry_rollback(registry, f, ALIAS_DEFAULT, &e), -ENOENT);
	check(strstr(e.text, "no version before"));
	deploy("f", 100);
	deploy("f", 30);
	check_int(registry_rollback(registry, f, ALIAS_DEFAULT, &e), 0);
	check_str(live("f"), "2:100");
	check_int(registry_rollback(registry, f, ALIAS_DEFAULT, &e), 0);
	check_str(live("f"), "1:100");
	check_int(registry_rollback(registry, f, ALIAS_DEFAULT, &e), -ENOENT);
	reopen();
	check_str(live("f"), "1:100");
	check_int(deploy("f", 50), 4);
	f = registry_find(registry, "f");
	check_int(
		registry_set_alias(registry, f,
				   &(struct alias){ .name = "live",
						    .share_count = 1,
						    .shares = { { 4, 100 } } },
				   &e),
		0);
	check_int(registry_rollback(registry, f, ALIAS_DEFAULT, &e), 0);
	check_str(live("f"), "1:100");
}

static int set_alias(const char *name, uint32_t version, uint32_t weight)
{
	struct alias a = { .share_count = 1,
			   .shares = { { version, weight } } };

	snprintf(a.name, sizeof(a.name), "%s", name);
	return registry_set_alias(registry, registry_find(registry, "f"), &a,
				  &e);
}

static void test_aliases(void)
{
	struct function *f;

	fresh("aliases");
	deploy("f", 100);
	deploy("f", 100);
	check_int(set_alias("beta", 1, 1), 0);
	check_int(set_alias("beta", 7, 1), -ENOENT);
	check_int(set_alias("beta", 1, 0), -EINVAL);
	check_int(set_alias("12", 1, 1), -EINVAL);
	check_int(set_alias("Beta", 1, 1), -EINVAL);
	reopen();
	f = registry_find(registry, "f");
	check_int(function_pick(f, "beta", 3)->number, 1);
	check_int(registry_remove_alias(registry, f, "live", &e), -EINVAL);
	check_int(registry_remove_alias(registry, f, "beta", &e), 0);
	check_int(registry_remove_alias(registry, f, "beta", &e), -ENOENT);
	reopen();
	check(!function_alias(registry_find(registry, "f"), "beta"));
}

static void deploy_spec(const char *json, uint32_t percent)
{
	struct version *v = stage("f", json);

	check_int(registry_commit(registry, v, percent, &e), 0);
	version_unref(v);
}

static void test_public(void)
{
	static const char safe[] = "{\"needs_token\":true}";
	struct function *f;

	fresh("public");
	deploy("f", 100);
	f = registry_find(registry, "f");
	check(version_is_public(function_version(f, 1)));
	deploy_spec(safe, 0);
	check(version_is_public(function_version(f, 1)));
	check(!version_is_public(function_version(f, 2)));
	deploy_spec(safe, 10);
	check(!version_is_public(function_version(f, 1)));
	deploy_spec(safe, 100);
	check(!version_is_public(function_version(f, 1)));
	check_int(set_alias("old", 1, 1), 0);
	check(!version_is_public(function_version(f, 1)));
	deploy("f", 100);
	check(version_is_public(function_version(f, 5)));
	check(version_is_public(function_version(f, 1)));
	check(!version_is_public(function_version(f, 2)));
	check_int(registry_remove_alias(registry, f, "old", &e), 0);
	check(!version_is_public(function_version(f, 1)));
}

static void test_dropped(void)
{
	struct version *v, *other;

	fresh("dropped");
	v = stage("f", "{}");
	other = stage("f", "{}");
	check_int(other->number, 2);
	check(!registry_find(registry, "f"));
	registry_drop(registry, v);
	check(!there("versions/f-1.snap"));
	check(there("images/abc.img"));
	registry_drop(registry, other);
	check(!there("versions/f-2.snap"));
	check(!there("images/abc.img"));
	check(list_empty(registry_functions(registry)));
	check_int(deploy("f", 100), 1);
}

static void test_remove(void)
{
	struct version *held;
	struct function *f;

	fresh("remove");
	deploy("f", 100);
	deploy("f", 100);
	f = registry_find(registry, "f");
	held = version_ref(function_version(f, 2));
	check_int(registry_remove(registry, f, &e), 0);
	check(!registry_find(registry, "f"));
	check(held->removed);
	check_str(held->function->name, "f");
	check(!there("versions/f-1.snap"));
	check(there("versions/f-2.snap"));
	version_unref(held);
	check(!there("versions/f-2.snap"));
	check(!there("images/abc.img"));
	reopen();
	check(!registry_find(registry, "f"));
}

static char gone[200]; /* names, each with a space */

static void on_gone(void *ctx, const char *name)
{
	size_t at = strlen(gone);

	check(ctx == &gone);
	snprintf(gone + at, sizeof(gone) - at, "%s ", name);
}

static void test_gone(void)
{
	struct version *held, *probed;
	struct function *f;

	fresh("gone");
	gone[0] = '\0';
	registry_on_gone(registry, on_gone, &gone);
	deploy("f", 100);
	f = registry_find(registry, "f");
	held = version_ref(function_version(f, 1));
	check_int(registry_remove(registry, f, &e), 0);
	check_str(gone, "");
	version_unref(held);
	check_str(gone, "f ");

	/* Another of that name is there, or is to be. */
	deploy("f", 100);
	f = registry_find(registry, "f");
	held = version_ref(function_version(f, 1));
	check_int(registry_remove(registry, f, &e), 0);
	probed = stage("f", "{}");
	version_unref(held);
	check_str(gone, "f ");

	/* It never came to be; somebody still ends its probe. */
	version_ref(probed);
	registry_drop(registry, probed);
	check_str(gone, "f ");
	version_unref(probed);
	check_str(gone, "f f ");
	check_int(deploy("f", 100), 1);

	/* Removed while it is deployed. */
	probed = stage("f", "{}");
	f = registry_find(registry, "f");
	check_int(registry_remove(registry, f, &e), 0);
	check_str(gone, "f f ");
	registry_drop(registry, probed);
	check_str(gone, "f f f ");

	deploy("f", 100);
	registry_close(take_ptr(registry));
	check_str(gone, "f f f ");
}

/* Its numbers begin again, and the old version still runs. */
static void test_deployed_again(void)
{
	char path[200] = "";
	struct version *held, *v;
	struct function *f;
	struct spec spec;
	char *paths[2];

	fresh("again");
	deploy("f", 100);
	f = registry_find(registry, "f");
	held = version_ref(function_version(f, 1));
	check_int(registry_remove(registry, f, &e), 0);
	check_int(deploy("f", 100), 1); /* with the same paths */
	version_unref(held);
	check(there("versions/f-1.snap"));
	check(there("images/abc.img"));
	for (int i = 0; i < 2; i++) {
		check_int(spec_parse_text(&spec, "{}", 2, &e), 0);
		check_int(registry_stage(registry, "g", &spec, &v, &e), 0);
		check_int(v->number, 1);
		paths[i] = version_new_snapshot_path(v);
		check(paths[i]);
		registry_drop(registry, v);
	}
	check(strcmp(paths[0], paths[1]) != 0);
	snprintf(path, sizeof(path), "%s/versions/g-1-", state);
	check(strncmp(paths[0], path, strlen(path)) == 0);
	free(paths[0]);
	free(paths[1]);
}

static void test_removed_while_deployed(void)
{
	struct version *v;

	fresh("meanwhile");
	deploy("f", 100);
	v = stage("f", "{}");
	check_int(registry_remove(registry, registry_find(registry, "f"), &e),
		  0);
	check_int(registry_commit(registry, v, 100, &e), -ENOENT);
	registry_drop(registry, v);
	check(!there("versions/f-2.snap"));
}

static void test_prune(void)
{
	struct function *f;

	fresh("prune");
	for (int i = 0; i < 8; i++)
		deploy("f", 100);
	check_int(set_alias("old", 2, 1), 0);
	check_int(set_alias("live", 3, 1), 0);
	f = registry_find(registry, "f");
	check_int(registry_prune_versions(registry, f, 3, &e), 0);
	for (uint32_t n = 1; n <= 8; n++)
		check_int(!!function_version(f, n), n == 2 || n == 3 || n >= 6);
	check(!there("versions/f-1.snap"));
	check(there("versions/f-2.snap"));
	check(there("images/abc.img"));
	check_int(registry_rollback(registry, f, "live", &e), 0);
	check_str(live("f"), "8:1"
			     "00");
	reopen();
	f = registry_find(registry, "f");
	check(!function_version(f, 5));
	check(function_version(f, 6));
}

static void test_sweep(void)
{
	fresh("sweep");
	deploy("f", 100);
	put_file("images/left.img.Ab12Cd");
	put_file("versions/f-2.snap");
	reopen();
	check(!there("images/left.img.Ab12Cd"));
	check(!there("versions/f-2.snap"));
	check(there("images/abc.img"));
	check(there("versions/f-1.snap"));
}

/* ---- tokens ---- */

static void test_tokens(void)
{
	struct token want = { .name = "ci", .role = TOKEN_ADMIN };
	struct token one = { .name = "web",
			     .role = TOKEN_INVOKE,
			     .function = "f" };
	char ci[TOKEN_TEXT_MAX], web[TOKEN_TEXT_MAX];
	const struct token *t;

	fresh("tokens");
	check_int(registry_token_add(registry, &want, ci, &e), 0);
	check_int(registry_token_add(registry, &want, web, &e), -EEXIST);
	check_int(registry_token_add(registry, &one, web, &e), 0);
	check(strcmp(ci, web) != 0);
	reopen();
	t = registry_token_find(registry, ci);
	check(t && t->role == TOKEN_ADMIN);
	check(token_may_invoke(t, "anything"));
	t = registry_token_find(registry, web);
	check(t && t->role == TOKEN_INVOKE);
	check(token_may_invoke(t, "f"));
	check(!token_may_invoke(t, "g"));
	ci[10] ^= 1;
	check(!registry_token_find(registry, ci));
	check(!registry_token_find(registry, ""));
	check_int(registry_token_remove(registry, "web", &e), 0);
	check_int(registry_token_remove(registry, "web", &e), -ENOENT);
	check(!registry_token_find(registry, web));
}

/* ---- files that are refused ---- */

static void sql(const char *words)
{
	sqlite3 *db;

	check_int(sqlite3_open(path_of("registry.db"), &db), SQLITE_OK);
	check_int(sqlite3_exec(db, words, NULL, NULL, NULL), SQLITE_OK);
	check_int(sqlite3_close(db), SQLITE_OK);
}

static void *read_all(size_t *ret_len)
{
	int fd = open(path_of("registry.db"), O_RDONLY);
	struct stat st;
	void *buf;

	check(fd >= 0 && fstat(fd, &st) == 0);
	buf = malloc((size_t)st.st_size + 1);
	check_int(file_pread(fd, buf, (size_t)st.st_size, 0), 0);
	close(fd);
	*ret_len = (size_t)st.st_size;
	return buf;
}

/* It is refused for that reason, and still the same. */
static void refused(const char *says)
{
	AUTO_FREE uint8_t *before = NULL, *after = NULL;
	size_t len, len_after;
	struct registry *r = NULL;

	before = read_all(&len);
	check(registry_open(&r, state, &e) < 0);
	if (!strstr(e.text, says))
		printf("%s\n", e.text);
	check(strstr(e.text, says));
	after = read_all(&len_after);
	check_int(len_after, len);
	check_mem(after, before, len);
}

static void overwrite(off_t at, const char *bytes, size_t len)
{
	int fd = open(path_of("registry.db"), O_WRONLY);

	check_int(pwrite(fd, bytes, len, at), (ssize_t)len);
	close(fd);
}

static void closed(const char *name)
{
	fresh(name);
	deploy("f", 100);
	registry_close(take_ptr(registry));
}

static void test_refused(void)
{
	char junk[512];

	closed("foreign");
	sql("PRAGMA application_id = 17");
	refused("another program's");
	closed("newer");
	sql("PRAGMA user_version = 99");
	refused("version 99");
	closed("text");
	overwrite(0, "hello, world\n", 13);
	refused("no database");
	closed("short");
	check_int(truncate(path_of("registry.db"), 50), 0);
	refused("no database");
	closed("cut");
	check_int(truncate(path_of("registry.db"), 8192), 0);
	refused("is damaged");
	closed("pages");
	memset(junk, 0xa5, sizeof(junk));
	for (off_t at = 4096; at < 7 * 4096; at += 512)
		overwrite(at, junk, sizeof(junk));
	refused("is damaged");
	closed("spec");
	sql("UPDATE versions SET spec = '{\"port\": 0}'");
	refused("the registry is damaged: port");
	closed("alias");
	sql("UPDATE alias_states SET shares = '9:1'");
	refused("alias has a version");
}

static void test_two_daemons(void)
{
	struct registry *other = NULL;
	char pid[16];

	fresh("two");
	check_int(registry_open(&other, state, &e), -EBUSY);
	snprintf(pid, sizeof(pid), "pid %d", getpid());
	check(strstr(e.text, pid));
	reopen();
}

/* ---- the plug is pulled ---- */

/* Deploys until it is killed, and says so after each. */
static _Noreturn void write_forever(int fd)
{
	uint32_t number;

	fresh("torture");
	for (;;) {
		number = deploy("f", 100);
		(void)!write(fd, &number, sizeof(number));
	}
}

static void test_killed_writer(void)
{
	uint32_t last = 0, number;
	char text[32];

	for (int round = 0; round < 20; round++) {
		int pipes[2], status;
		pid_t pid;

		registry_close(take_ptr(registry));
		check_int(pipe(pipes), 0);
		pid = fork();
		if (pid == 0)
			write_forever(pipes[1]);
		close(pipes[1]);
		for (int i = 0; i < 3 + round % 4; i++)
			if (read(pipes[0], &number, sizeof(number)) > 0)
				last = number;
		usleep((useconds_t)(round * 237 % 3000));
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		while (read(pipes[0], &number, sizeof(number)) > 0)
			last = number;
		close(pipes[0]);
		fresh("torture");
		number = function_pick(registry_find(registry, "f"), NULL, 0)
				 ->number;
		check(number == last || number == last + 1);
		last = number;
		snprintf(text, sizeof(text), "versions/f-%u.snap", number + 1);
		check(!there(text));
		check_int(registry_prune_versions(registry,
						  registry_find(registry, "f"),
						  5, &e),
			  0);
	}
}

/* Beyond the limit on the size of files nothing can be written. */
static void test_full_disk(void)
{
	struct rlimit limit, tight;
	struct version *v;
	int r;

	fresh("full");
	deploy("f", 100);
	v = stage("f", "{}");
	check_int(getrlimit(RLIMIT_FSIZE, &limit), 0);
	tight = limit;
	tight.rlim_cur = 4096;
	signal(SIGXFSZ, SIG_IGN);
	check_int(setrlimit(RLIMIT_FSIZE, &tight), 0);
	r = registry_commit(registry, v, 100, &e);
	setrlimit(RLIMIT_FSIZE, &limit);
	check(r < 0);
	check_str(live("f"), "1:100");
	check_int(registry_commit(registry, v, 100, &e), 0);
	check_str(live("f"), "2:100");
	version_unref(v);
	reopen();
	check_str(live("f"), "2:100");
}

int main(void)
{
	char rm[] = "rm", rf[] = "-rf", *argv[] = { rm, rf, dir, NULL };

	if (!mkdtemp(dir))
		return 1;
	RUN(test_spec_defaults);
	RUN(test_spec_round_trip);
	RUN(test_spec_errors);
	RUN(test_deploy);
	RUN(test_weights);
	RUN(test_rollback);
	RUN(test_aliases);
	RUN(test_public);
	RUN(test_dropped);
	RUN(test_remove);
	RUN(test_gone);
	RUN(test_deployed_again);
	RUN(test_removed_while_deployed);
	RUN(test_prune);
	RUN(test_sweep);
	RUN(test_tokens);
	RUN(test_refused);
	RUN(test_two_daemons);
	RUN(test_killed_writer);
	RUN(test_full_disk);
	registry_close(registry);
	if (check_done())
		return 1;
	fflush(stdout);
	execvp(argv[0], argv);
	return 1;
}
