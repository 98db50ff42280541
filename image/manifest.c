/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests from and to JSON. The version is looked at before anything
 * else, so that a manifest of a later release is named as such and not as
 * damaged.
 */
#include "image/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* jansson seeds its hash tables from a file unless told a seed. */
static void seed_once(void)
{
	json_object_seed(1);
}

static int strings_get(const json_t *array, const char *what, const char ***ret,
		       size_t *ret_count, struct err *e)
{
	size_t i, count = json_array_size(array);
	const char **list;

	if (!json_is_array(array))
		return err_set(e, EBADMSG,
			       "the manifest's \"%s\" is not a "
			       "list",
			       what);
	if (count > MANIFEST_STRINGS_MAX)
		return err_set(e, EBADMSG,
			       "the manifest's \"%s\" has %zu "
			       "entries, at most %u are allowed",
			       what, count, MANIFEST_STRINGS_MAX);
	list = calloc(count + 1, sizeof(*list));
	if (!list)
		return err_set(e, ENOMEM, "out of memory");
	for (i = 0; i < count; i++) {
		list[i] = json_string_value(json_array_get(array, i));
		if (!list[i]) {
			free(list);
			return err_set(e, EBADMSG,
				       "the manifest's \"%s\" "
				       "holds something that is not a string",
				       what);
		}
	}
	*ret = list;
	*ret_count = count;
	return 0;
}

static int check_version(const json_t *root, struct err *e)
{
	const json_t *v = json_object_get(root, "version");

	if (!json_is_integer(v))
		return err_set(e, EBADMSG, "the manifest has no version");
	if (json_integer_value(v) != MANIFEST_VERSION)
		return err_set(e, EPROTONOSUPPORT,
			       "the manifest has version %lld, this mayfly "
			       "knows version %d; seal the program again or "
			       "update mayfly",
			       (long long)json_integer_value(v),
			       MANIFEST_VERSION);
	return 0;
}

bool manifest_port_valid(const char *text)
{
	unsigned long port;
	char *end;

	if (text[0] < '1' || text[0] > '9')
		return false;
	port = strtoul(text, &end, 10);
	return port <= UINT16_MAX &&
	       (strcmp(end, "/tcp") == 0 || strcmp(end, "/udp") == 0);
}

static int check_values(const struct manifest *m, json_int_t abi,
			json_int_t memory, struct err *e)
{
	size_t i;

	if (abi < 0 || abi > UINT32_MAX)
		return err_set(e, EBADMSG,
			       "the manifest's \"abi\" is out of "
			       "range");
	if (memory < 0)
		return err_set(e, EBADMSG,
			       "the manifest's \"memory\" is "
			       "negative");
	if (m->program[0] != '/' || m->cwd[0] != '/')
		return err_set(e, EBADMSG,
			       "the manifest's \"program\" and "
			       "\"cwd\" must be absolute paths");
	if (m->args_count == 0)
		return err_set(e, EBADMSG, "the manifest's \"args\" is empty");
	if (m->args_default >= m->args_count)
		return err_set(e, EBADMSG,
			       "the manifest's \"args_default\" leaves no "
			       "program");
	for (i = 0; i < m->env_count; i++) {
		const char *eq = strchr(m->env[i], '=');

		if (!eq || eq == m->env[i])
			return err_set(e, EBADMSG,
				       "the manifest's \"env\" "
				       "holds an entry that is not "
				       "NAME=value");
	}
	for (i = 0; i < m->ports_count; i++) {
		if (!manifest_port_valid(m->ports[i]))
			return err_set(e, EBADMSG,
				       "the manifest's \"ports\" holds an "
				       "entry that is not NUMBER/tcp or "
				       "NUMBER/udp");
	}
	return 0;
}

bool manifest_id_valid(json_int_t id)
{
	return id >= 0 && id < UINT32_MAX; /* the last one is nobody's */
}

/* The members that may be missing. */
struct optional {
	json_int_t args_default, uid, gid, stop_signal;
};

static int take_optional(struct manifest *m, const struct optional *o,
			 struct err *e)
{
	m->args_default = o->args_default < 0 ? SIZE_MAX :
						(size_t)o->args_default;
	if (!manifest_id_valid(o->uid) || !manifest_id_valid(o->gid))
		return err_set(e, EBADMSG,
			       "the manifest's \"user\" is out of range");
	if (o->stop_signal < 0 || o->stop_signal > MANIFEST_SIGNAL_MAX)
		return err_set(e, EBADMSG,
			       "the manifest's \"stop_signal\" is no signal");
	m->uid = (uint32_t)o->uid;
	m->gid = (uint32_t)o->gid;
	m->stop_signal = (uint32_t)o->stop_signal;
	return 0;
}

static int read_members(struct manifest *m, struct err *e)
{
	json_int_t abi, memory, version;
	struct optional o = { 0 };
	const json_t *args, *env, *ports;
	json_error_t je;
	int r;

	if (json_unpack_ex(m->root, &je, JSON_STRICT,
			   "{s:I, s:I, s:s, s:o, s:o, s:s, s:I, s:o, s?I, "
			   "s?{s:I, s:I}, s?I}",
			   "version", &version, "abi", &abi, "program",
			   &m->program, "args", &args, "env", &env, "cwd",
			   &m->cwd, "memory", &memory, "ports", &ports,
			   "args_default", &o.args_default, "user", "uid",
			   &o.uid, "gid", &o.gid, "stop_signal",
			   &o.stop_signal) < 0)
		return err_set(e, EBADMSG,
			       "the manifest is not as it should "
			       "be: %s",
			       je.text);
	r = take_optional(m, &o, e);
	if (r == 0)
		r = strings_get(args, "args", &m->args, &m->args_count, e);
	if (r == 0)
		r = strings_get(env, "env", &m->env, &m->env_count, e);
	if (r == 0)
		r = strings_get(ports, "ports", &m->ports, &m->ports_count, e);
	if (r == 0)
		r = check_values(m, abi, memory, e);
	m->abi = (uint32_t)abi;
	m->memory_bytes = (uint64_t)memory;
	return r;
}

int manifest_parse(struct manifest *ret, const char *text, size_t len,
		   struct err *e)
{
	struct manifest m = { 0 };
	json_error_t je;
	int r;

	if (len > MANIFEST_SIZE_MAX)
		return err_set(e, EBADMSG,
			       "the manifest is %zu bytes long, "
			       "at most %u are allowed",
			       len, MANIFEST_SIZE_MAX);
	seed_once();
	m.root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);
	if (!m.root)
		return err_set(e, EBADMSG, "the manifest is not JSON: %s",
			       je.text);
	r = check_version(m.root, e);
	if (r == 0)
		r = read_members(&m, e);
	if (r < 0) {
		manifest_fini(&m);
		return r;
	}
	*ret = m;
	return 0;
}

static json_t *strings_json(const char *const *list, size_t count)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < count; i++) {
		if (json_array_append_new(array, json_string(list[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static void put_optional(json_t *root, const struct manifest *m)
{
	if (m->args_default > 0)
		json_object_set_new(root, "args_default",
				    json_integer((json_int_t)m->args_default));
	if (m->uid || m->gid)
		json_object_set_new(root, "user",
				    json_pack("{s:I, s:I}", "uid",
					      (json_int_t)m->uid, "gid",
					      (json_int_t)m->gid));
	if (m->stop_signal)
		json_object_set_new(root, "stop_signal",
				    json_integer(m->stop_signal));
}

char *manifest_format(const struct manifest *m)
{
	char *text, *line = NULL;
	json_t *root;

	seed_once();
	root = json_pack("{s:i, s:I, s:s, s:o, s:o, s:s, s:I, s:o}", "version",
			 MANIFEST_VERSION, "abi", (json_int_t)m->abi, "program",
			 m->program, "args",
			 strings_json(m->args, m->args_count), "env",
			 strings_json(m->env, m->env_count), "cwd", m->cwd,
			 "memory", (json_int_t)m->memory_bytes, "ports",
			 strings_json(m->ports, m->ports_count));
	if (!root)
		return NULL;
	put_optional(root, m);
	text = json_dumps(root, JSON_INDENT(2));
	json_decref(root);
	if (text && asprintf(&line, "%s\n", text) < 0)
		line = NULL;
	free(text);
	return line;
}

void manifest_fini(struct manifest *m)
{
	free(m->args);
	free(m->env);
	free(m->ports);
	json_decref(m->root);
	*m = (struct manifest){ 0 };
}
