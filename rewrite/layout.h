/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the new segment of a rewritten file lies, and the headers that make
 * it known: program headers, which move into the segment, and section
 * headers, which move behind it.
 */
#ifndef REWRITE_LAYOUT_H
#define REWRITE_LAYOUT_H

#include "abi/stubs.h"
#include "rewrite/view.h"

/* Bytes that a stub of `len` bytes takes. */
#define LAYOUT_STUB_ROOM(len) (((len) + 15u) & ~15u)
#define LAYOUT_SECTION	      ".mayfly.stubs"

struct layout {
	uint64_t off, va; /* of the segment, and of its header */
	uint64_t phdr_off; /* from here on: offsets from the segment's start */
	uint64_t table_off;
	uint64_t code_off; /* of the first stub */
	uint64_t size; /* bytes of the segment; set before layout_finish */
	uint64_t size_max; /* bytes of the file, at most */
};

/* Returns NULL, or why the file cannot have `stub_count` stubs. */
const char *layout_plan(struct layout *l, const struct view *v,
			size_t stub_count);

/*
 * Writes the headers to the new file `out`, whose segment is complete.
 * *ret_size is the size of the file. 0 or -ENOMEM.
 */
int layout_finish(const struct layout *l, const struct view *v, uint8_t *out,
		  uint64_t *ret_size);

#endif
