/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of JSON documents share. */
#ifndef UNPACK_JSON_H
#define UNPACK_JSON_H

#include <jansson.h>

#include "unpack/blob.h"

static inline void cleanup_json(json_t **j)
{
	json_decref(*j);
}

#define AUTO_JSON __attribute__((cleanup(cleanup_json)))

/* An object, or NULL and a sentence about `what`. The caller owns it. */
json_t *unpack_json_load(const char *text, size_t len, const char *what,
			 struct err *e);

/* Digest and size of a descriptor. */
int unpack_json_blob(const json_t *descriptor, struct blob *ret, struct err *e);

/* The member's string, or "". */
const char *unpack_json_text(const json_t *object, const char *key);

#endif
