/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of an OCI image layout. What index.json names is opened by its
 * digest and compared with it before anybody sees a byte.
 */
#ifndef UNPACK_BLOB_H
#define UNPACK_BLOB_H

#include <stddef.h>
#include <stdint.h>

#include "host/err.h"

#define BLOB_DIGEST_SIZE 32 /* SHA-256 */
#define BLOB_HEX_SIZE	 65 /* of it in text, with the NUL */
#define BLOB_TEXT_MAX	 (4u << 20) /* bytes of a JSON document */

struct blob {
	uint8_t digest[BLOB_DIGEST_SIZE];
	uint64_t size; /* bytes */
};

/* Reads "sha256:HEX". */
int blob_parse_digest(uint8_t ret[BLOB_DIGEST_SIZE], const char *text,
		      struct err *e);

/* The beginning of the digest, for messages. */
const char *blob_show(char ret[BLOB_HEX_SIZE],
		      const uint8_t digest[BLOB_DIGEST_SIZE]);

/* A regular file of the layout whose path holds no links, or -errno. */
int blob_open_file(int layout, const char *path);

/* A descriptor at the start of the content, which was verified. */
int blob_open(int layout, const struct blob *b, struct err *e);

/* The content as text, NUL-terminated, malloc'd. */
int blob_read(int layout, const struct blob *b, char **ret, struct err *e);

#endif
