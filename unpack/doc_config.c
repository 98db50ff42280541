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
	return 0;
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
