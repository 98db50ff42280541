/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly deploy: seals what it is given, uploads the image if mayflyd does
 * not have it, and tells what becomes of it. The URL is all that stdout gets.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/deploy_name.h"
#include "cli/function_keys.h"
#include "cli/grid.h"
#include "cli/platform.h"
#include "cli/progress.h"
#include "cli/sealed.h"
#include "cli/settings.h"
#include "cli/talk.h"
#include "host/cleanup.h"
#include "host/parse.h"
#include "image/digest.h"
#include "launch/env_list.h"

enum { OPT_ENV = 10, OPT_ENV_FILE, OPT_CANARY, OPT_JSON, OPT_KEYS };

static const struct opt own_opts[] = {
	{ OPT_ENV, 'e', "env", "NAME[=VALUE]",
	  "set a variable of the program, or copy one" },
	{ OPT_ENV_FILE, 0, "env-file", "FILE", "variables, a line each" },
	{ OPT_CANARY, 0, "canary", "PERCENT",
	  "of the requests go to it, the others where most went; 0: none" },
	{ OPT_JSON, 0, "json", NULL, "print the function as JSON" },
	{ 0 },
};

static struct opt all_opts[OPTS_MAX];

static void merge_opts(void)
{
	size_t n = 0;

	for (; own_opts[n].id; n++)
		all_opts[n] = own_opts[n];
	for (size_t i = 0; i < FUNCTION_KEYS; i++)
		all_opts[n++] = function_key_option(&function_keys[i],
						    OPT_KEYS + (int)i);
}

struct deploy {
	json_t *spec; /* mayfly.yaml's, then the options' */
	json_t *said; /* by options */
	struct env_list env;
	uint64_t percent;
	bool json;
	struct progress progress;
	json_t *done; /* the last event */
	bool failed;
	char why[600];
	json_t *log; /* of a failure */
};

/* ---- options ---- */

static int take(void *arg, int id, const char *value, struct err *e)
{
	struct deploy *d = arg;
	char percent[8];

	switch (id) {
	case OPT_ENV:
		return env_list_set(&d->env, value, e);
	case OPT_ENV_FILE:
		return env_list_read(&d->env, value, e);
	case OPT_CANARY:
		snprintf(percent, sizeof(percent), "%.*s",
			 (int)strcspn(value, "%"), value);
		return parse_number(&d->percent, percent, 0, 100) ?
			       0 :
			       err_set(e, EINVAL,
				       "--canary %s is not a number from 0 to "
				       "100",
				       value);
	case OPT_JSON:
		d->json = true;
		return 0;
	default:
		return function_key_set(&function_keys[id - OPT_KEYS], d->said,
					value, e);
	}
}

/* A directory's mayfly.yaml; what options say counts more. */
static int merge_settings(struct deploy *d, const char *source, struct err *e)
{
	AUTO_SETTINGS struct settings s = { 0 };
	AUTO_FREE char *path = NULL;
	struct stat st;
	int r = 0;

	if (asprintf(&path, "%s/" SETTINGS_NAME, source) < 0) {
		path = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	if (stat(path, &st) == 0)
		r = settings_read(&s, path, e);
	if (r == 0 && s.function)
		json_object_update(d->spec, s.function);
	if (r == 0)
		json_object_update(d->spec, d->said);
	for (size_t i = 0; r == 0 && i < d->env.count; i++) {
		const char *entry = d->env.items[i], *eq = strchr(entry, '=');
		AUTO_FREE char *name = strndup(entry, (size_t)(eq - entry));

		r = name ? function_env_set(d->spec, name, eq + 1, e) :
			   err_set(e, ENOMEM, "out of memory");
	}
	return r;
}

/* ---- what the image says ---- */

static unsigned first_port(const struct manifest *m)
{
	for (size_t i = 0; i < m->ports_count; i++) {
		const char *slash = strchr(m->ports[i], '/');

		if (!slash || strcmp(slash, "/tcp") == 0)
			return (unsigned)strtoul(m->ports[i], NULL, 10);
	}
	return 0;
}

#define MEMORY_DEFAULT (512ll << 20)

static void add_image_facts(struct deploy *d, const struct image *img)
{
	json_int_t memory = MEMORY_DEFAULT;
	unsigned port = first_port(&img->manifest);

	if (port && !json_object_get(d->spec, "port"))
		json_object_set_new(d->spec, "port",
				    json_integer((json_int_t)port));
	if ((json_int_t)img->manifest.memory_bytes > memory)
		memory = (json_int_t)img->manifest.memory_bytes;
	if (!json_object_get(d->spec, "memory_bytes"))
		json_object_set_new(d->spec, "memory_bytes",
				    json_integer(memory));
}

/* ---- uploading ---- */

static int has_image(const char *digest, struct err *e)
{
	AUTO_FREE char *path = NULL;
	struct talk t = { .method = "HEAD", .body_fd = -1 };
	struct talk_answer a = { 0 };
	int r;

	if (asprintf(&path, "/v1/images/%s", digest) < 0) {
		path = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	t.path = path;
	t.any_status = true;
	r = talk(&t, &a, e);
	talk_answer_fini(&a);
	if (r == 0 && a.status != 200 && a.status != 404)
		r = talk_json("GET", "/v1/info", NULL, NULL, e);
	return r < 0 ? r : a.status == 200;
}

static int upload(struct deploy *d, const struct image *img, struct err *e)
{
	const struct talk t = { .method = "POST",
				.path = "/v1/images",
				.type = "application/octet-stream",
				.body_fd = img->fd,
				.body_len = (size_t)img->st.st_size,
				.patient = true };
	struct talk_answer a = { 0 };
	char text[80];
	int r;

	snprintf(text, sizeof(text), "uploading %llu MiB",
		 (unsigned long long)img->st.st_size >> 20);
	progress_step(&d->progress, text);
	r = talk(&t, &a, e);
	talk_answer_fini(&a);
	return r;
}

/* ---- deploying ---- */

static void on_step(struct deploy *d, const char *step)
{
	static const struct {
		const char *step, *text;
	} texts[] = {
		{ "sync", "storing the image" },
		{ "snapshot", "starting it once, for its snapshot" },
		{ "boot", "starting it" },
		{ "probe", "waiting for its answer" },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(texts[i].step, step) == 0)
			progress_step(&d->progress, texts[i].text);
}

static int on_event(void *arg, const char *line)
{
	struct deploy *d = arg;
	json_t *o = json_loads(line, 0, NULL);
	const char *event = grid_text(o, "event");

	if (strcmp(event, "step") == 0) {
		on_step(d, grid_text(o, "step"));
	} else if (strcmp(event, "note") == 0) {
		progress_clear(&d->progress);
		log_say("%s", grid_text(o, "text"));
	} else if (strcmp(event, "error") == 0) {
		d->failed = true;
		snprintf(d->why, sizeof(d->why), "%s", grid_text(o, "detail"));
		d->log = json_incref(json_object_get(o, "log"));
	} else if (strcmp(event, "done") == 0) {
		d->done = json_incref(o);
	}
	json_decref(o);
	return 0;
}

static int on_data(void *arg, const char *data, size_t len)
{
	return talk_lines_add(arg, data, len);
}

static int send_deploy(struct deploy *d, const char *path, json_t *body,
		       struct err *e)
{
	AUTO_FREE char *text = json_dumps(body, JSON_COMPACT);
	struct talk_lines lines = { .line = on_event, .arg = d };
	struct talk t = { .method = "POST",
			  .path = path,
			  .type = "application/json",
			  .body = text,
			  .body_len = text ? strlen(text) : 0,
			  .body_fd = -1,
			  .data = on_data,
			  .arg = &lines,
			  .patient = true };
	struct talk_answer a = { 0 };
	int r;

	if (!text)
		return err_set(e, ENOMEM, "out of memory");
	r = talk(&t, &a, e);
	talk_answer_fini(&a);
	talk_lines_fini(&lines);
	if (r == 0 && !d->done && !d->failed)
		r = err_set(e, EIO,
			    "mayflyd ended before the deploy did; nothing of "
			    "it is left");
	return r;
}

static json_t *make_body(struct deploy *d, const char *digest)
{
	json_t *warm_up = json_object_get(d->spec, "warm_up");
	json_t *body = json_pack("{s:s, s:I}", "digest", digest, "percent",
				 (json_int_t)d->percent);

	if (warm_up)
		json_object_set(body, "warm_up", warm_up);
	json_object_del(d->spec, "warm_up");
	json_object_del(d->spec, "name");
	json_object_set(body, "spec", d->spec);
	return body;
}

static int register_image(struct deploy *d, const char *source,
			  const struct image *img, struct err *e)
{
	char digest[IMAGE_DIGEST_TEXT_MAX], name[DEPLOY_NAME_MAX];
	const char *said = grid_text(d->spec, "name");
	AUTO_FREE char *path = NULL;
	json_t *body;
	int r;

	if (said[0])
		snprintf(name, sizeof(name), "%s", said);
	else
		deploy_name(name, source);
	path = platform_path("functions", name, "/versions", e);
	if (!path)
		return -e->code;
	digest_text(digest, img->digest);
	r = has_image(digest, e);
	if (r == 0)
		r = upload(d, img, e);
	if (r < 0)
		return r;
	body = make_body(d, digest);
	r = send_deploy(d, path, body, e);
	/* An image that nobody used may go while we look. */
	if (r == -EREMOTEIO && strstr(e->text, "upload it first")) {
		r = upload(d, img, e);
		if (r == 0)
			r = send_deploy(d, path, body, e);
	}
	json_decref(body);
	return r;
}

/* ---- the end ---- */

static int tell_failure(const struct deploy *d)
{
	size_t i;
	json_t *line;

	json_array_foreach(d->log, i, line) {
		fprintf(stderr, "  | %s\n", json_string_value(line));
	}

	log_say("%s; what served before still does", d->why);
	return STATUS_REFUSED;
}

static int tell_success(const struct deploy *d)
{
	json_t *f = json_object_get(d->done, "function");
	AUTO_FREE char *text = NULL;

	if (d->json) {
		text = json_dumps(d->done, JSON_INDENT(2));
		puts(text ? text : "{}");
		return STATUS_OK;
	}
	log_say("version %lld of %s is deployed",
		(long long)grid_number(d->done, "version"),
		grid_text(f, "name"));
	puts(grid_text(f, "url"));
	return STATUS_OK;
}

static int deploy(struct deploy *d, const char *source)
{
	AUTO_IMAGE struct image img = { .fd = -1 };
	static struct paths paths;
	struct err e;
	int status = STATUS_FAILED, r;

	/* Nothing is built for a mayflyd that is not there. */
	r = talk_json("GET", "/v1/info", NULL, NULL, &e);
	if (r == 0)
		r = merge_settings(d, source, &e);
	if (r == 0)
		r = paths_find(&paths, &e);
	if (r < 0)
		return platform_fail(r, &e);
	if (sealed_open(&img, source, &paths, &status, &e) < 0)
		return cmd_fail(status, &e);
	progress_init(&d->progress, false);
	add_image_facts(d, &img);
	r = register_image(d, source, &img, &e);
	progress_clear(&d->progress);
	if (r < 0)
		return platform_fail(r, &e);
	return d->failed ? tell_failure(d) : tell_success(d);
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct deploy d = { .percent = 100 };
	struct platform_words w = { .min = 1,
				    .max = 1,
				    .what = "a program, a directory or an "
					    "image",
				    .option = take,
				    .arg = &d };
	int status;

	merge_opts();
	d.spec = json_object();
	d.said = json_object();
	if (platform_parse(cmd, argc, argv, &w, &status) == 0)
		status = deploy(&d, w.words[0]);
	env_list_fini(&d.env);
	json_decref(d.spec);
	json_decref(d.said);
	json_decref(d.done);
	json_decref(d.log);
	return status;
}

const struct cmd cmd_deploy = {
	.name = "deploy",
	.usage = "[OPTIONS] SOURCE|IMAGE",
	.summary = "Build a function, try it, and let it answer",
	.details =
		"SOURCE is what mayfly build takes. The new version is tried "
		"before requests go to\nit; one that does not answer changes "
		"nothing. What mayfly.yaml says below\nfunction holds where no "
		"option says otherwise. Prints the URL.\n\nExit status: 1 if "
		"the function does not run or is refused.",
	.opts = all_opts,
	.run = run,
};
