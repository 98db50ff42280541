/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling code from data in one region: which bytes begin an instruction,
 * and how sure that is.
 */
#ifndef REWRITE_CODE_H
#define REWRITE_CODE_H

#include "rewrite/insn.h"
#include "rewrite/regions.h"

/* One byte of region.marks for each of the region. */
#define MARK_START   1u /* an instruction begins here */
#define MARK_INSIDE  2u /* and goes on here */
#define MARK_SWEPT   4u /* found in order, not by following the flow */
#define MARK_OVERLAP 8u /* two instructions claim this byte */
#define MARK_BAD     16u /* no instruction begins here */
#define MARK_SEEN    32u /* the flow has come here */
#define MARK_PADDING 64u /* a zero between functions */

/* Fills r->marks, if they are not there yet. 0 or -ENOMEM. */
int code_mark(struct region *r);

/* Decodes the instruction of the region at va. */
bool code_decode(const struct region *r, uint64_t va, struct insn *ret);

/*
 * The instruction that ends where the one at va begins, both without
 * overlap; false if there is none in the region.
 */
bool code_previous(const struct region *r, uint64_t va, struct insn *ret);

/*
 * Whether the `syscall` instruction at va, which has a mark, is one that can
 * be executed.
 */
bool code_is_certain(const struct region *r, uint64_t va);

#endif
