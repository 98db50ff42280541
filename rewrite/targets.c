/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources: direct branches; rip-relative operands; constants large enough,
 * in files with fixed addresses; symbols; unwind tables; every aligned word
 * that is loaded, which takes in relocations with their addends, tables of
 * pointers and whatever RELR leaves in place; and tables of 32-bit distances
 * that begin where some instruction points, as compilers make them for
 * switches.
 */
#include "rewrite/targets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rewrite/frames.h"
#include "rewrite/insn.h"

#define TABLE_MAX 65536u /* entries of one table of distances */
#define WORK_MAX  (1ull << 28) /* of all */

static void add(struct targets *t, enum target_kind kind, uint64_t va)
{
	const struct piece *p = view_code(t->v, va);
	uint64_t off;

	if (!p)
		return;
	off = va - p->va;
	t->bits[kind][p - t->v->code][off / 8] |= (uint8_t)(1u << off % 8);
}

static void add_address(void *arg, uint64_t va)
{
	add(arg, TARGET_SURE, va);
}

static void add_function(void *arg, uint64_t lo, uint64_t hi)
{
	add(arg, TARGET_SURE, lo);
	add(arg, TARGET_SURE, hi);
}

static void add_symbol(void *arg, const Elf64_Sym *s)
{
	add(arg, TARGET_SURE, s->st_value);
}

/* Distances from the table's own address, as long as they lead to code. */
static void add_table(struct targets *t, uint64_t va)
{
	uint64_t len = 0;
	const uint8_t *at = va % 4 ? NULL : view_at(t->v, va, &len);
	int32_t d;

	if (!at)
		return;
	for (unsigned n = 0; n < TABLE_MAX && len >= 4; n++, len -= 4) {
		t->work++;
		memcpy(&d, at + 4ull * n, sizeof(d));
		if (!view_code(t->v, va + (uint64_t)(int64_t)d))
			return;
		add(t, TARGET_MAYBE, va + (uint64_t)(int64_t)d);
	}
}

static void add_from_insn(struct targets *t, const struct insn *i)
{
	if (i->branches || i->refers)
		add(t, i->branches ? TARGET_SURE : TARGET_MAYBE, i->target);
	if (i->refers && i->is_lea)
		add_table(t, i->target);
	if (t->v->eh.e_type != ET_EXEC)
		return;
	for (unsigned n = 0; n < i->constant_count; n++)
		add(t, TARGET_MAYBE, i->constants[n]);
}

static void add_from_code(struct targets *t, const struct region *r)
{
	struct insn i;
	uint64_t va = r->lo;

	while (va < r->hi) {
		if (insn_decode(&i, r->bytes + (va - r->lo), r->hi - va, va)) {
			add_from_insn(t, &i);
			va += i.len;
		} else {
			va++;
		}
	}
}

static void add_from_words(struct targets *t, const struct piece *p)
{
	uint64_t off = (8 - p->va % 8) % 8;
	uint64_t word;

	for (; off + 8 <= p->len; off += 8) {
		memcpy(&word, p->bytes + off, sizeof(word));
		add(t, TARGET_MAYBE, word);
	}
}

int targets_init(struct targets *t, const struct view *v,
		 const struct regions *r)
{
	const struct frames_visitor w = { add_function, add_address, t };

	*t = (struct targets){ .v = v };
	for (unsigned i = 0; i < TARGET_KINDS * v->code_count; i++) {
		unsigned n = i / TARGET_KINDS;
		uint8_t *bits = calloc(1, v->code[n].len / 8 + 1);

		if (!bits) {
			targets_fini(t);
			return -ENOMEM;
		}
		t->bits[i % TARGET_KINDS][n] = bits;
	}
	add(t, TARGET_SURE, v->eh.e_entry);
	view_symbols(v, add_symbol, t);
	frames_visit(v, &w);
	for (size_t i = 0; i < r->count; i++) {
		add(t, TARGET_SURE, r->list[i].lo);
		if (r->list[i].kind != REGION_DATA)
			add_from_code(t, &r->list[i]);
		if (t->work > WORK_MAX) {
			targets_fini(t);
			return -E2BIG;
		}
	}
	for (unsigned i = 0; i < v->load_count; i++)
		add_from_words(t, &v->loads[i]);
	return 0;
}

void targets_fini(struct targets *t)
{
	for (unsigned i = 0; i < TARGET_KINDS * VIEW_CODE_MAX; i++)
		free(t->bits[i % TARGET_KINDS][i / TARGET_KINDS]);
	*t = (struct targets){ 0 };
}

bool targets_has(const struct targets *t, enum target_kind kind, uint64_t va)
{
	const struct piece *p = view_code(t->v, va);
	uint64_t off;

	if (!p)
		return false;
	off = va - p->va;
	return t->bits[kind][p - t->v->code][off / 8] >> off % 8 & 1;
}
