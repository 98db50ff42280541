/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sealer: a source and a guest kernel become an image file. The same
 * input gives the same bytes. The file appears complete or not at all.
 */
#ifndef IMAGE_SEAL_H
#define IMAGE_SEAL_H

#include "host/err.h"
#include "image/format.h"
#include "image/source.h"

/* Files of the installation that sealing needs. */
struct seal_parts {
	const char *kernel; /* the flat kernel file */
	const char *rewriter; /* mayfly-rewrite; NULL: nothing is rewritten */
};

struct seal_job {
	struct source *source; /* its tree is completed */
	struct seal_parts parts;
	const char *out_path; /* replaced if it exists */
};

struct seal_result {
	uint64_t size; /* bytes of the file */
	uint8_t digest[IMAGE_DIGEST_SIZE];
};

int seal_image(const struct seal_job *job, struct seal_result *ret,
	       struct err *e);

/*
 * The least memory, in bytes, for a program whose writable segments, with
 * those of its libraries, have private_bytes.
 */
uint64_t seal_memory_needed(uint64_t private_bytes);

#endif
