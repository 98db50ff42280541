/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configurations of builders. Members that are not known are refused: they
 * are typing errors, or meant for a later release.
 */
#include "image/config.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/cleanup.h"
#include "host/file.h"
#include "image/manifest.h"

struct reader {
	struct source *s;
	const char *who;
	struct err *e;
};

static int bad(const struct reader *r, const char *what)
{
	return err_set(r->e, EBADMSG,
		       "config.json of the builder %s is not as it should be: "
		       "%s",
		       r->who, what);
}

static int out_of_memory(const struct reader *r)
{
	return err_set(r->e, ENOMEM, "out of memory");
}

static int read_strings(const struct reader *r, const json_t *v,
			struct strlist *ret, const char *what)
{
	size_t i;

	if (!json_is_array(v) || json_array_size(v) > MANIFEST_STRINGS_MAX)
		return bad(r, what);
	for (i = 0; i < json_array_size(v); i++) {
		const char *text = json_string_value(json_array_get(v, i));

		if (!text)
			return bad(r, what);
		if (strlist_add(ret, text) < 0)
			return out_of_memory(r);
	}
	return 0;
}

static int read_args(const struct reader *r, const json_t *v)
{
	static const char what[] = "\"args\" is not a list of strings";
	int err = read_strings(r, v, &r->s->config.args, what);

	if (err == 0 && r->s->config.args.count > 0 &&
	    !r->s->config.args.items[0][0])
		return bad(r, "\"args\" names no program");
	return err;
}

static int read_args_default(const struct reader *r, const json_t *v)
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 0 || n > MANIFEST_STRINGS_MAX)
		return bad(r, "\"args_default\" is not a number of arguments");
	r->s->config.args_default = (size_t)n;
	return 0;
}

static int read_env(const struct reader *r, const json_t *v)
{
	static const char what[] = "\"env\" is not a list of \"NAME=value\"";
	const struct strlist *env = &r->s->config.env;
	int err = read_strings(r, v, &r->s->config.env, what);
	size_t i;

	for (i = 0; i < env->count && err == 0; i++) {
		if (strcspn(env->items[i], "=") == 0 ||
		    !strchr(env->items[i], '='))
			return bad(r, what);
	}
	return err;
}

static int read_cwd(const struct reader *r, const json_t *v)
{
	const char *text = json_string_value(v);

	if (!text || text[0] != '/')
		return bad(r, "\"cwd\" is not an absolute path");
	r->s->config.cwd = strdup(text);
	return r->s->config.cwd ? 0 : out_of_memory(r);
}

/* 8080, "8080" and "8080/tcp" are the same. */
static int read_port(const struct reader *r, const json_t *v)
{
	const char *text = json_string_value(v);
	char port[32];

	if (json_is_integer(v))
		snprintf(port, sizeof(port), "%lld/tcp",
			 (long long)json_integer_value(v));
	else
		snprintf(port, sizeof(port), "%s%s", text ? text : "",
			 text && strchr(text, '/') ? "" : "/tcp");
	if (!manifest_port_valid(port))
		return bad(r, "\"ports\" holds something else than a number "
			      "from 1 to 65535 with /tcp or /udp");
	if (strlist_has(&r->s->config.ports, port))
		return 0;
	return strlist_add(&r->s->config.ports, port) < 0 ? out_of_memory(r) :
							    0;
}

static int read_ports(const struct reader *r, const json_t *v)
{
	size_t i;
	int err = 0;

	if (!json_is_array(v) || json_array_size(v) > MANIFEST_STRINGS_MAX)
		return bad(r, "\"ports\" is not a list");
	for (i = 0; i < json_array_size(v) && err == 0; i++)
		err = read_port(r, json_array_get(v, i));
	return err;
}

static int read_user(const struct reader *r, const json_t *v)
{
	static const char what[] =
		"\"user\" is not an object with the numbers uid and gid";
	json_int_t uid, gid;

	if (json_unpack_ex((json_t *)(uintptr_t)v, NULL, JSON_STRICT,
			   "{s:I, s:I}", "uid", &uid, "gid", &gid) < 0 ||
	    !manifest_id_valid(uid) || !manifest_id_valid(gid))
		return bad(r, what);
	r->s->config.uid = (uint32_t)uid;
	r->s->config.gid = (uint32_t)gid;
	return 0;
}

static int read_stop_signal(const struct reader *r, const json_t *v)
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 1 || n > MANIFEST_SIGNAL_MAX)
		return bad(r, "\"stop_signal\" is not a number from 1 to 64");
	r->s->config.stop_signal = (uint32_t)n;
	return 0;
}

static int read_libraries(const struct reader *r, const json_t *v)
{
	if (!json_is_boolean(v))
		return bad(r, "\"libraries\" is not true or false");
	r->s->config.libraries = json_is_true(v);
	return 0;
}

static int read_origins(const struct reader *r, const json_t *v)
{
	const char *image;
	json_t *host;
	int err = 0;

	if (!json_is_object(v))
		return bad(r, "\"origins\" is not an object");
	json_object_foreach((json_t *)(uintptr_t)v, image, host) {
		const char *text = json_string_value(host);

		if (image[0] != '/' || !text || text[0] != '/')
			return bad(r, "\"origins\" holds something else than "
				      "absolute paths");
		err = source_add_origin(r->s, image, text, r->e);
		if (err < 0)
			break;
	}
	return err;
}

static const struct {
	const char *name;
	int (*read)(const struct reader *r, const json_t *v);
} members[] = {
	{ "args", read_args },
	{ "args_default", read_args_default },
	{ "cwd", read_cwd },
	{ "env", read_env },
	{ "libraries", read_libraries },
	{ "origins", read_origins },
	{ "ports", read_ports },
	{ "stop_signal", read_stop_signal },
	{ "user", read_user },
};

#define MEMBER_COUNT (sizeof(members) / sizeof(members[0]))

static int read_member(const struct reader *r, const char *name,
		       const json_t *v)
{
	char what[96];
	size_t i;

	for (i = 0; i < MEMBER_COUNT; i++) {
		if (strcmp(members[i].name, name) == 0)
			return members[i].read(r, v);
	}
	snprintf(what, sizeof(what), "it has an unknown member \"%.40s\"",
		 name);
	return bad(r, what);
}

int config_parse(struct source *s, const char *text, size_t len,
		 const char *who, struct err *e)
{
	struct reader r = { s, who, e };
	json_error_t je;
	const char *name;
	json_t *root, *v;
	int err = 0;

	json_object_seed(1);
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);
	if (!root)
		return bad(&r, je.text);
	if (!json_is_object(root)) {
		json_decref(root);
		return bad(&r, "it is not an object");
	}
	json_object_foreach(root, name, v) {
		err = read_member(&r, name, v);
		if (err < 0)
			break;
	}
	if (err == 0 && !json_object_get(root, "args"))
		err = bad(&r, "it has no \"args\"");
	if (err == 0 && s->config.args_default > s->config.args.count)
		err = bad(&r, "\"args_default\" is more than there are "
			      "arguments");
	json_decref(root);
	return err;
}

int config_read(struct source *s, const char *who, struct err *e)
{
	AUTO_FREE char *path = NULL, *text = NULL;
	AUTO_CLOSE int fd = -1;
	struct stat st;
	int r;

	if (asprintf(&path, "%s/config.json", s->stage.out) < 0) {
		path = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, errno, "the builder %s left no config.json",
			       who);
	if (!S_ISREG(st.st_mode) || st.st_size > CONFIG_SIZE_MAX)
		return err_set(e, EBADMSG,
			       "config.json of the builder %s is not a file of "
			       "at most %u bytes",
			       who, CONFIG_SIZE_MAX);
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return err_set(e, ENOMEM, "out of memory");
	r = file_pread(fd, text, (size_t)st.st_size, 0);
	if (r < 0)
		return err_sys(e, -r, "cannot read config.json of %s", who);
	return config_parse(s, text, (size_t)st.st_size, who, e);
}
