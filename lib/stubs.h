/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks up addresses in the table of rewritten system calls (abi/stubs.h).
 * The table may be anything a program has mapped: every field is checked
 * when it is used, and what does not fit is not there.
 */
#ifndef LIB_STUBS_H
#define LIB_STUBS_H

#include <stdbool.h>

#include "abi/stubs.h"

struct stubs {
	const void *base; /* the header */
	uint64_t va; /* the address it has in the program */
	uint32_t size; /* bytes that may be read */
	uint32_t count;
	uint32_t table_off;
};

/* False if no stubs begin at base; len bytes may be read there. */
bool stubs_open(struct stubs *ret, const void *base, uint64_t len, uint64_t va);

/*
 * The address before rewriting of the instruction that the stub's code at pc
 * belongs to; pc itself if it lies in no stub.
 */
uint64_t stubs_to_site(const struct stubs *s, uint64_t pc);

/*
 * Where the instruction that was at pc is now, if it has moved; otherwise
 * pc. What a jump to a stub has replaced begins at the site's own address
 * still, so that address has not moved.
 */
uint64_t stubs_from_site(const struct stubs *s, uint64_t pc);

#endif
