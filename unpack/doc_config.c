/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of an image: what it runs, and the digests of its layers
 * before they were compressed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/cleanup.h"
#include "unpack/doc.h"
#include "unpack/json.h"

/* As Linux and glibc have them. */
#define REALTIME_MIN 34
#define SIGNAL_MAX   64

/* Docker writes null for an array that is not there. */
static int read_strings(const json_t *config, const char *key, json_t **ret,
			struct err *e)
{
	json_t *list = json_object_get(config, key), *item;
	size_t i;

	*ret = NULL;
	if (!list || json_is_null(list))
		return 0;
	if (!json_is_array(list))
		return err_set(e, EBADMSG,
			       "%s of the image is no array of strings", key);
	for (i = 0; i < json_array_size(list); i++) {
		item = json_array_get(list, i);
		if (!json_is_string(item))
			return err_set(e, EBADMSG,
				       "%s of the image is no array of "
				       "strings",
				       key);
	}
	*ret = list;
	return 0;
}

static int read_diff_ids(struct doc_config *c, struct err *e)
{
	const json_t *rootfs = json_object_get(c->root, "rootfs");
	const json_t *list = json_object_get(rootfs, "diff_ids"), *item;
	size_t i;
	int r;

	if (!json_is_array(list) || json_array_size(list) > DOC_LAYERS_MAX)
		return err_set(e, EBADMSG,
			       "the image's configuration has no list of "
			       "diff_ids, or one of more than %u",
			       DOC_LAYERS_MAX);
	c->layer_count = json_array_size(list);
	c->diff_ids = calloc(c->layer_count + 1, sizeof(*c->diff_ids));
	if (!c->diff_ids)
		return err_set(e, ENOMEM, "out of memory");
	for (i = 0; i < json_array_size(list); i++) {
		item = json_array_get(list, i);
		const char *text = json_string_value(item);

		r = blob_parse_digest(c->diff_ids[i], text ? text : "", e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_platform(const json_t *root, struct err *e)
{
	const char *os = unpack_json_text(root, "os");
	const char *arch = unpack_json_text(root, "architecture");

	if ((os[0] && strcmp(os, "linux") != 0) ||
	    (arch[0] && strcmp(arch, "amd64") != 0))
		return err_set(e, ENOENT,
			       "the image is for %.40s/%.40s; mayfly runs "
			       "linux/amd64",
			       os, arch);
	return 0;
}

/* "" is 0, "+N" or "-N" N; more than there are if it is something else. */
static unsigned parse_offset(const char *text, char sign)
{
	unsigned long n;
	char *end;

	if (text[0] == '\0')
		return 0;
	if (text[0] != sign || text[1] < '0' || text[1] > '9')
		return SIGNAL_MAX;
	n = strtoul(text + 1, &end, 10);
	return *end == '\0' && n < SIGNAL_MAX ? (unsigned)n : SIGNAL_MAX;
}

static unsigned parse_realtime(const char *name)
{
	unsigned n = SIGNAL_MAX;

	if (strncasecmp(name, "RTMIN", 5) == 0)
		n = REALTIME_MIN + parse_offset(name + 5, '+');
	else if (strncasecmp(name, "RTMAX", 5) == 0)
		n = SIGNAL_MAX - parse_offset(name + 5, '-');
	else
		return 0;
	return n >= REALTIME_MIN && n <= SIGNAL_MAX ? n : 0;
}

/* As docker reads it: a name with or without SIG, or a number; 0: none. */
static unsigned parse_signal(const char *name)
{
	const char *known;
	unsigned long n;
	char *end;
	int i;

	if (name[0] >= '0' && name[0] <= '9') {
		n = strtoul(name, &end, 10);
		return *end == '\0' && n <= SIGNAL_MAX ? (unsigned)n : 0;
	}
	if (strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	for (i = 1; i < REALTIME_MIN; i++) {
		known = sigabbrev_np(i);
		if (known && strcasecmp(name, known) == 0)
			return (unsigned)i;
	}
	return parse_realtime(name);
}

static int read_stop_signal(struct doc_config *c, const json_t *config,
			    struct err *e)
{
	const char *name = unpack_json_text(config, "StopSignal");

	c->stop_signal = parse_signal(name);
	if (name[0] && c->stop_signal == 0)
		return err_set(e, EBADMSG,
			       "StopSignal of the image is %.40s, which is no "
			       "signal",
			       name);
	return 0;
}

static int read_run(struct doc_config *c, const json_t *config, struct err *e)
{
	int r = read_strings(config, "Entrypoint", &c->entrypoint, e);

	if (r == 0)
		r = read_strings(config, "Cmd", &c->cmd, e);
	if (r == 0)
		r = read_strings(config, "Env", &c->env, e);
	if (r < 0)
		return r;
	c->cwd = unpack_json_text(config, "WorkingDir");
	c->user = unpack_json_text(config, "User");
	c->ports = json_object_get(config, "ExposedPorts");
	if (!json_is_object(c->ports))
		c->ports = NULL;
	return read_stop_signal(c, config, e);
}

int doc_read_config(const char *text, size_t len, struct doc_config *ret,
		    struct err *e)
{
	AUTO_CONFIG struct doc_config c = { 0 };
	int r;

	c.root = unpack_json_load(text, len, "the image's configuration", e);
	if (!c.root)
		return -EBADMSG;
	r = check_platform(c.root, e);
	if (r == 0)
		r = read_diff_ids(&c, e);
	if (r == 0)
		r = read_run(&c, json_object_get(c.root, "config"), e);
	if (r < 0)
		return r;
	*ret = c;
	c = (struct doc_config){ 0 };
	return 0;
}

void doc_free_config(struct doc_config *c)
{
	json_decref(c->root);
	free(c->diff_ids);
	c->root = NULL;
	c->diff_ids = NULL;
}
