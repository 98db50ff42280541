/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rewriting one ELF file in memory. The result is the old bytes with a few
 * replaced, and new ones behind them.
 */
#ifndef REWRITE_FILE_H
#define REWRITE_FILE_H

#include "rewrite/sites.h"

enum rewrite_mode {
	REWRITE = 0,
	REWRITE_EXCLUDED, /* the user said so */
	REWRITE_VERIFIED, /* a checksum lies beside the file */
};

struct rewritten {
	struct view view; /* of the old bytes, which are borrowed */
	struct regions regions;
	struct sites sites;
	/* Why the file was left alone, or NULL; a short clause. */
	const char *why;
	bool odd; /* it was not even looked at closely */
	/* The new bytes; NULL: the file stays as it is. */
	uint8_t *out; /* owned */
	uint64_t out_size;
	uint64_t stubs_off, stubs_va, stubs_size; /* of the new segment */
};

/*
 * Analyses [buf, buf + size) and fills *ret, also when nothing is to be done.
 * If the mode is another than REWRITE, the sites are found and left alone.
 * 0 or -ENOMEM.
 */
int rewrite_file(struct rewritten *ret, const void *buf, uint64_t size,
		 enum rewrite_mode mode);
void rewritten_fini(struct rewritten *r);

#endif
