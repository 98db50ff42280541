/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON documents of an OCI image: index, manifest, configuration. Each
 * function takes the bytes of one document and says in one sentence what is
 * wrong with it.
 */
#ifndef UNPACK_DOC_H
#define UNPACK_DOC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "unpack/blob.h"

#define DOC_LAYERS_MAX 512u
#define DOC_IMAGES_MAX 1024u /* of one index */

/* What an index leads to. */
struct doc_choice {
	struct blob blob;
	bool is_index; /* another index, not a manifest */
};

/*
 * The image for linux/amd64; the first, if there are several. -ENOENT if
 * there is none: the sentence names those there are. -ENOTUNIQ if several
 * do not say what they are for.
 */
int doc_choose(const char *text, size_t len, struct doc_choice *ret,
	       struct err *e);

struct doc_manifest {
	struct blob config;
	struct blob *layers; /* owned, layer_count */
	size_t layer_count;
};

int doc_read_manifest(const char *text, size_t len, struct doc_manifest *ret,
		      struct err *e);
void doc_free_manifest(struct doc_manifest *m);

#define AUTO_MANIFEST __attribute__((cleanup(doc_free_manifest)))

/* Arrays of strings are NULL or owned by root, as is every string. */
struct doc_config {
	json_t *root; /* owned */
	json_t *entrypoint;
	json_t *cmd;
	json_t *env;
	json_t *ports; /* an object, or NULL */
	const char *cwd; /* "" if not said */
	const char *user; /* "" if not said */
	unsigned stop_signal; /* Linux number; 0 if not said */
	uint8_t (*diff_ids)[BLOB_DIGEST_SIZE]; /* owned, layer_count */
	size_t layer_count;
};

int doc_read_config(const char *text, size_t len, struct doc_config *ret,
		    struct err *e);
void doc_free_config(struct doc_config *c);

#define AUTO_CONFIG __attribute__((cleanup(doc_free_config)))

#endif
