/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions are decoded by following the flow of control from their first
 * instruction, also through calls that stay in the region. What that does not
 * reach (the cases of a switch, functions that only pointers lead to) is swept
 * in order, beginning at the next byte wherever no instruction can begin.
 *
 * What was only swept may be data that happens to decode. A `syscall` there
 * counts if the bytes around it decode without a gap for as far as can be
 * expected, the branches among them meet instructions, and rax, which holds
 * a call's number, is set on the way to it, or a branch leads to its block.
 */
#include "rewrite/code.h"

#include <errno.h>
#include <stdlib.h>

/* Instructions looked at on either side of a call that was swept. */
#define BEFORE_MIN  64u
#define AFTER_MIN   16u
#define NUMBER_MAX  32u /* from where the number is set to the call */
#define PADDING_MAX 31u
#define NEAR	    4096u /* bytes on either side to look for a branch */

struct flow {
	struct region *r;
	uint64_t *todo; /* addresses */
	size_t count, room;
	bool no_memory;
};

bool code_decode(const struct region *r, uint64_t va, struct insn *ret)
{
	return insn_decode(ret, r->bytes + (va - r->lo), r->hi - va, va);
}

static uint8_t *mark_at(const struct region *r, uint64_t va)
{
	return &r->marks[va - r->lo];
}

/* False: another instruction has one of the bytes (jumps over a prefix). */
static bool claim(struct region *r, const struct insn *i, uint8_t extra)
{
	uint8_t *m = mark_at(r, i->va);
	uint8_t clash = 0;

	for (unsigned n = 0; n < i->len; n++)
		clash |= m[n];
	if (clash & (MARK_START | MARK_INSIDE)) {
		for (unsigned n = 0; n < i->len && !(extra & MARK_SWEPT); n++)
			m[n] |= MARK_OVERLAP;
		return false;
	}
	for (unsigned n = 0; n < i->len; n++)
		m[n] |= (n ? MARK_INSIDE : MARK_START) | extra;
	return true;
}

static void push(struct flow *f, uint64_t va)
{
	if (va < f->r->lo || va >= f->r->hi || f->no_memory ||
	    (*mark_at(f->r, va) & MARK_SEEN))
		return;
	if (f->count == f->room) {
		size_t room = f->room ? 2 * f->room : 64;
		uint64_t *n = realloc(f->todo, room * sizeof(*n));

		if (!n) {
			f->no_memory = true;
			return;
		}
		f->todo = n;
		f->room = room;
	}
	f->todo[f->count++] = va;
}

/* Straight on from va, until the flow ends or is known. */
static void follow(struct flow *f, uint64_t va)
{
	struct insn i;

	while (va < f->r->hi && !(*mark_at(f->r, va) & MARK_SEEN) &&
	       code_decode(f->r, va, &i)) {
		claim(f->r, &i, 0);
		*mark_at(f->r, va) |= MARK_SEEN;
		if (i.branches)
			push(f, i.target);
		if (i.flow == INSN_JUMP || i.flow == INSN_STOP)
			return;
		va += i.len;
	}
}

static int mark_flow(struct region *r)
{
	struct flow f = { .r = r };

	for (size_t n = 0; n < r->root_count; n++)
		push(&f, r->roots[n]);
	while (f.count && !f.no_memory)
		follow(&f, f.todo[--f.count]);
	free(f.todo);
	return f.no_memory ? -ENOMEM : 0;
}

/*
 * Zeros that fill up to the next function. They would decode, and take the
 * function's first bytes along.
 */
static uint64_t skip_padding(struct region *r, uint64_t va)
{
	uint64_t end = va;

	while (end < r->hi && !*mark_at(r, end) && !r->bytes[end - r->lo])
		end++;
	if (end - va > PADDING_MAX)
		return va;
	while (va < end)
		*mark_at(r, va++) = MARK_PADDING;
	return end;
}

static void mark_swept(struct region *r)
{
	struct insn i = { .flow = INSN_STOP };
	uint64_t va = r->lo;

	while (va < r->hi) {
		if (i.flow == INSN_STOP || i.flow == INSN_JUMP)
			va = skip_padding(r, va);
		i.flow = INSN_NEXT;
		if (va == r->hi)
			break;
		if (*mark_at(r, va)) {
			va++;
			i.flow = INSN_STOP;
		} else if (code_decode(r, va, &i) && !i.strange &&
			   claim(r, &i, MARK_SWEPT)) {
			va += i.len;
		} else {
			*mark_at(r, va) = MARK_BAD;
			va++;
		}
	}
}

int code_mark(struct region *r)
{
	int err;

	if (r->marks)
		return 0;
	r->marks = calloc(1, r->hi - r->lo);
	if (!r->marks)
		return -ENOMEM;
	err = mark_flow(r);
	if (!err && r->kind != REGION_DATA)
		mark_swept(r);
	return err;
}

static bool is_start(const struct region *r, uint64_t va)
{
	return (*mark_at(r, va) & (MARK_START | MARK_OVERLAP)) == MARK_START;
}

bool code_previous(const struct region *r, uint64_t va, struct insn *ret)
{
	uint64_t at = va;

	while (at > r->lo && va - at < INSN_LEN_MAX) {
		at--;
		if (is_start(r, at))
			return code_decode(r, at, ret) && at + ret->len == va;
		if ((*mark_at(r, at) & ~(uint8_t)MARK_SWEPT) != MARK_INSIDE)
			return false;
	}
	return false;
}

/* The other end of the branch begins an instruction, if it is in here. */
static bool branch_fits(const struct region *r, const struct insn *i)
{
	return !i->branches || i->target < r->lo || i->target >= r->hi ||
	       is_start(r, i->target);
}

/* Everything decodes in front of va, for long enough. */
static bool fits_before(const struct region *r, uint64_t va)
{
	unsigned count = 0;
	struct insn i;

	while (count < BEFORE_MIN) {
		while (va > r->lo && (*mark_at(r, va - 1) & MARK_PADDING))
			va--;
		if (!code_previous(r, va, &i))
			break;
		if (!branch_fits(r, &i))
			return false;
		va = i.va;
		count++;
	}
	if (count == BEFORE_MIN || va == r->lo)
		return true;
	/* Where the sweep began: behind what the flow has reached. */
	return *mark_at(r, va - 1) && !(*mark_at(r, va - 1) & MARK_SWEPT) &&
	       !(*mark_at(r, va - 1) & (MARK_BAD | MARK_OVERLAP));
}

static bool fits_after(const struct region *r, uint64_t va)
{
	struct insn i;

	for (unsigned n = 0; n < AFTER_MIN && va < r->hi; n++) {
		if (*mark_at(r, va) & MARK_PADDING) {
			va++;
			continue;
		}
		if (!is_start(r, va) || !code_decode(r, va, &i) ||
		    !branch_fits(r, &i))
			return false;
		va += i.len;
	}
	return true;
}

/* Some branch of the region, not far away, leads to va. */
static bool is_entered(const struct region *r, uint64_t va)
{
	uint64_t lo = va - r->lo > NEAR ? va - NEAR : r->lo;
	uint64_t hi = r->hi - va > NEAR ? va + NEAR : r->hi;
	struct insn i;

	for (uint64_t at = lo; at < hi; at++) {
		if (is_start(r, at) && code_decode(r, at, &i) && i.branches &&
		    i.flow != INSN_CALL && i.target == va)
			return true;
	}
	return false;
}

/* rax is set on the way here, or where the way comes from. */
static bool number_is_set(const struct region *r, uint64_t va)
{
	struct insn i;
	int64_t number;

	for (unsigned n = 0; n < NUMBER_MAX; n++) {
		if (!code_previous(r, va, &i))
			return false;
		if (i.flow == INSN_STOP || i.flow == INSN_JUMP || i.is_padding)
			return is_entered(r, va);
		if (insn_sets_rax(&i, &number))
			return true;
		va = i.va;
	}
	return false;
}

bool code_is_certain(const struct region *r, uint64_t va)
{
	if (!is_start(r, va))
		return false;
	if (!(*mark_at(r, va) & MARK_SWEPT))
		return true;
	return fits_before(r, va) && fits_after(r, va + 2) &&
	       number_is_set(r, va);
}
