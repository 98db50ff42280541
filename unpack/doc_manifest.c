/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A manifest names the configuration and the layers of one image, in OCI's
 * words or in docker's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/cleanup.h"
#include "unpack/doc.h"
#include "unpack/json.h"

static const char *const config_types[] = {
	"application/vnd.oci.image.config.v1+json",
	"application/vnd.docker.container.image.v1+json",
};

static const char *const layer_types[] = {
	"application/vnd.oci.image.layer.v1.tar",
	"application/vnd.oci.image.layer.nondistributable.v1.tar",
	"application/vnd.docker.image.rootfs.diff.tar",
	"application/vnd.docker.image.rootfs.foreign.diff.tar",
};

static const char *const compressions[] = {
	"", "+gzip", "+zstd", ".gzip", ".zstd",
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool is_compression(const char *suffix)
{
	size_t i;

	for (i = 0; i < COUNT(compressions); i++) {
		if (strcmp(suffix, compressions[i]) == 0)
			return true;
	}
	return false;
}

static bool is_layer(const char *type)
{
	size_t i;

	for (i = 0; i < COUNT(layer_types); i++) {
		size_t len = strlen(layer_types[i]);

		if (strncmp(type, layer_types[i], len) == 0 &&
		    is_compression(type + len))
			return true;
	}
	return false;
}

static int read_config_blob(const json_t *root, struct blob *ret, struct err *e)
{
	const json_t *config = json_object_get(root, "config");
	const char *type = unpack_json_text(config, "mediaType");
	size_t i;

	if (!json_is_object(config))
		return err_set(e, EBADMSG, "the manifest has no configuration");
	for (i = 0; i < COUNT(config_types); i++) {
		if (strcmp(type, config_types[i]) == 0)
			return unpack_json_blob(config, ret, e);
	}
	return err_set(e, ENOEXEC,
		       "this is no image to run: its configuration is of the "
		       "type %.80s",
		       type);
}

static int read_layers(const json_t *list, struct doc_manifest *m,
		       struct err *e)
{
	const json_t *layer;
	size_t i;

	m->layers = calloc(json_array_size(list) + 1, sizeof(*m->layers));
	if (!m->layers)
		return err_set(e, ENOMEM, "out of memory");
	for (i = 0; i < json_array_size(list); i++) {
		layer = json_array_get(list, i);
		const char *type = unpack_json_text(layer, "mediaType");
		int r;

		if (!is_layer(type))
			return err_set(e, EBADMSG,
				       "layer %zu is of the type %.80s; "
				       "mayfly knows tar, with gzip or zstd",
				       i + 1, type);
		r = unpack_json_blob(layer, &m->layers[i], e);
		if (r < 0)
			return r;
	}
	m->layer_count = json_array_size(list);
	return 0;
}

int doc_read_manifest(const char *text, size_t len, struct doc_manifest *ret,
		      struct err *e)
{
	AUTO_JSON json_t *root = unpack_json_load(text, len, "the manifest", e);
	AUTO_MANIFEST struct doc_manifest m = { .layers = NULL };
	const json_t *layers;
	int r;

	if (!root)
		return -EBADMSG;
	layers = json_object_get(root, "layers");
	if (!json_is_array(layers) || json_array_size(layers) > DOC_LAYERS_MAX)
		return err_set(e, EBADMSG,
			       "the manifest has no list of layers, or one of "
			       "more than %u",
			       DOC_LAYERS_MAX);
	r = read_config_blob(root, &m.config, e);
	if (r == 0)
		r = read_layers(layers, &m, e);
	if (r < 0)
		return r;
	*ret = m;
	m.layers = NULL;
	return 0;
}

void doc_free_manifest(struct doc_manifest *m)
{
	free(m->layers);
	m->layers = NULL;
	m->layer_count = 0;
}
