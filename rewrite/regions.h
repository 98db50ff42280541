/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The code of a file, divided by what is known about it: functions, whose
 * first byte is certainly an instruction, with what follows them; data that
 * symbols name; and the rest. A file that hardly tells anything is divided
 * by sections only.
 */
#ifndef REWRITE_REGIONS_H
#define REWRITE_REGIONS_H

#include "rewrite/view.h"

enum region_kind {
	REGION_REST = 0,
	REGION_FUNCTION,
	REGION_DATA,
};

struct region {
	uint64_t lo, hi;
	const uint8_t *bytes; /* of lo */
	enum region_kind kind;
	/* Where instructions begin for certain; borrowed from the regions. */
	const uint64_t *roots;
	size_t root_count;
	uint8_t *marks; /* owned; code.h */
};

struct regions {
	struct region *list; /* ascending, without holes in a code piece */
	size_t count;
	uint64_t *roots; /* owned */
};

/* 0 or -ENOMEM. */
int regions_init(struct regions *r, const struct view *v);
void regions_fini(struct regions *r);

#endif
