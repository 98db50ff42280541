/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image format: names and numbers that docs/formats/image.md defines. An
 * image is an EROFS file system followed by one trailer block.
 */
#ifndef IMAGE_FORMAT_H
#define IMAGE_FORMAT_H

#include <stdint.h>

#define IMAGE_BLOCK	      4096u
#define IMAGE_VERSION	      1u
#define IMAGE_MAGIC	      "MAYFLYim" /* 8 bytes, no NUL */
#define IMAGE_DIGEST_SIZE     32u /* SHA-256 */
#define IMAGE_DIGEST_TEXT_MAX 72u /* "sha256:", 64 digits, NUL */

#define IMAGE_PATH_DIR	    ".mayfly"
#define IMAGE_PATH_MANIFEST "/.mayfly/manifest.json"
#define IMAGE_PATH_KERNEL   "/.mayfly/kernel"
#define IMAGE_PATH_REWRITE  "/.mayfly/rewrite.json"
#define IMAGE_NAME_MAX	    100u /* bytes of a program's name */
#define IMAGE_REWRITE_MAX   (32u << 20) /* bytes of that report */

/* The last block of an image file; little-endian. */
struct image_trailer {
	uint8_t magic[8];
	uint32_t version; /* IMAGE_VERSION */
	uint32_t reserved; /* 0 */
	uint64_t erofs_size; /* bytes before this block, block multiple */
	uint8_t digest[IMAGE_DIGEST_SIZE]; /* SHA-256 of those bytes */
	uint8_t zero[IMAGE_BLOCK - 56];
};

_Static_assert(sizeof(struct image_trailer) == IMAGE_BLOCK, "trailer size");

#endif
