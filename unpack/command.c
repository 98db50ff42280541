/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What docker would give the first process of a container: Entrypoint and
 * Cmd as one command, PATH and HOME where the image does not set them.
 */
#include "unpack/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cleanup.h"
#include "unpack/json.h"

#define DEFAULT_PATH                                                    \
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:" \
	"/bin"

/* jansson's builders fail for want of memory alone; one check at the end. */
struct output {
	json_t *root;
	bool failed;
};

static void put(struct output *o, json_t *to, const char *key, json_t *value)
{
	if (json_object_set_new(to, key, value) < 0)
		o->failed = true;
}

static void append(struct output *o, json_t *to, json_t *value)
{
	if (json_array_append_new(to, value) < 0)
		o->failed = true;
}

static void put_args(struct output *o, const struct doc_config *c)
{
	json_t *args = json_array();

	if (c->entrypoint && json_array_extend(args, c->entrypoint))
		o->failed = true;
	if (c->cmd && json_array_extend(args, c->cmd))
		o->failed = true;
	put(o, o->root, "args", args);
	put(o, o->root, "args_default",
	    json_integer((json_int_t)json_array_size(c->cmd)));
}

static bool sets(const json_t *env, const char *name)
{
	size_t i, len = strlen(name);
	const json_t *item;

	for (i = 0; i < json_array_size(env); i++) {
		item = json_array_get(env, i);
		const char *text = json_string_value(item);

		if (strncmp(text, name, len) == 0 && text[len] == '=')
			return true;
	}
	return false;
}

static void put_env(struct output *o, const struct doc_config *c,
		    const struct user *u)
{
	char home[sizeof("HOME=") + USER_HOME_MAX];
	json_t *env = json_array(), *item;
	size_t i;

	if (!sets(c->env, "PATH"))
		append(o, env, json_string(DEFAULT_PATH));
	for (i = 0; i < json_array_size(c->env); i++) {
		item = json_array_get(c->env, i);
		const char *text = json_string_value(item);

		/* Docker lets such a word pass; nothing can read it. */
		if (strchr(text, '=') && text[0] != '=')
			append(o, env, json_incref(item));
	}
	snprintf(home, sizeof(home), "HOME=%s", u->home);
	if (!sets(c->env, "HOME"))
		append(o, env, json_string(home));
	put(o, o->root, "env", env);
}

/* FIRST, FIRST/tcp, FIRST-LAST or FIRST-LAST/tcp. */
static bool parse_ports(const char *text, unsigned *first, unsigned *last)
{
	unsigned long a, b;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	a = b = strtoul(text, &end, 10);
	if (*end == '-')
		b = strtoul(end + 1, &end, 10);
	if (*end != '\0' && strcmp(end, "/tcp") != 0)
		return false;
	if (a == 0 || b < a || b > UINT16_MAX)
		return false;
	*first = (unsigned)a;
	*last = (unsigned)b;
	return true;
}

static void put_ports(struct output *o, const struct doc_config *c)
{
	AUTO_FREE char *seen = calloc(1, UINT16_MAX + 1);
	json_t *ports = json_array();
	unsigned first, last, count = 0;
	const char *text;
	void *it;

	if (!seen)
		o->failed = true;
	for (it = json_object_iter(c->ports); it;
	     it = json_object_iter_next(c->ports, it)) {
		text = json_object_iter_key(it);
		if (!seen || !parse_ports(text, &first, &last))
			continue;
		for (; first <= last; first++)
			seen[first] = 1;
	}
	for (first = 1; seen && first <= UINT16_MAX; first++) {
		if (seen[first] && count++ < COMMAND_PORTS_MAX)
			append(o, ports, json_integer(first));
	}
	put(o, o->root, "ports", ports);
}

static void put_user(struct output *o, const struct user *u)
{
	json_t *user = json_object();

	put(o, user, "uid", json_integer(u->uid));
	put(o, user, "gid", json_integer(u->gid));
	put(o, o->root, "user", user);
}

static void put_cwd(struct output *o, const struct doc_config *c)
{
	AUTO_FREE char *cwd = NULL;

	if (asprintf(&cwd, "%s%s", c->cwd[0] == '/' ? "" : "/", c->cwd) < 0) {
		cwd = NULL;
		o->failed = true;
		return;
	}
	put(o, o->root, "cwd", json_string(cwd));
}

int command_format(const struct doc_config *c, const struct user *u, char **ret,
		   struct err *e)
{
	AUTO_JSON json_t *root = json_object();
	struct output o = { .root = root };
	AUTO_FREE char *text = NULL;

	put_args(&o, c);
	put_env(&o, c, u);
	put_cwd(&o, c);
	put_ports(&o, c);
	put_user(&o, u);
	if (c->stop_signal)
		put(&o, root, "stop_signal", json_integer(c->stop_signal));
	put(&o, root, "libraries", json_false());
	if (!o.failed)
		text = json_dumps(root, JSON_INDENT(2));
	if (!text || asprintf(ret, "%s\n", text) < 0)
		return err_set(e, ENOMEM, "out of memory");
	return 0;
}
