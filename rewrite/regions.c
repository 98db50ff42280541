/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts of functions come from symbols, unwind tables, Go's function table
 * and the entry points in the headers. A function ends where the next one
 * begins, with whatever lies between the two.
 */
#include "rewrite/regions.h"

#include <errno.h>
#include <stdlib.h>

#include "rewrite/frames.h"
#include "rewrite/gotab.h"

/* With fewer starts than these, calls have to lead to the functions. */
#define FEW 16u

struct item {
	uint64_t lo, hi; /* hi counts for data */
	enum region_kind kind;
};

struct collector {
	const struct view *v;
	struct item *items;
	size_t count, room;
	bool no_memory;
};

static void add(struct collector *c, uint64_t lo, uint64_t hi,
		enum region_kind kind)
{
	if (c->no_memory || !view_code(c->v, lo))
		return;
	if (c->count == c->room) {
		size_t room = c->room ? 2 * c->room : 1024;
		struct item *n = realloc(c->items, room * sizeof(*n));

		if (!n) {
			c->no_memory = true;
			return;
		}
		c->items = n;
		c->room = room;
	}
	c->items[c->count++] = (struct item){ lo, hi, kind };
}

static void add_function(void *arg, uint64_t lo, uint64_t hi)
{
	add(arg, lo, hi, REGION_FUNCTION);
}

static void add_symbol(void *arg, const Elf64_Sym *s)
{
	unsigned type = ELF64_ST_TYPE(s->st_info);
	uint64_t hi = s->st_value + s->st_size;

	if (type == STT_FUNC || type == STT_GNU_IFUNC)
		add(arg, s->st_value, hi, REGION_FUNCTION);
	else if (type == STT_OBJECT && hi > s->st_value)
		add(arg, s->st_value, hi, REGION_DATA);
}

static void add_entries(struct collector *c)
{
	static const int64_t tags[] = { DT_INIT, DT_FINI };
	uint64_t va;

	add(c, c->v->eh.e_entry, 0, REGION_FUNCTION);
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		if (view_dynamic(c->v, tags[i], &va))
			add(c, va, 0, REGION_FUNCTION);
	}
}

/* By address; of those that begin at one place, functions and long ones
 * first. */
static int compare(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->hi > y->hi ? -1 : x->hi < y->hi;
}

static void put(struct regions *r, const struct piece *p, uint64_t lo,
		const struct item *i)
{
	if (lo >= i->hi)
		return;
	r->list[r->count] = (struct region){
		.lo = lo,
		.hi = i->hi,
		.bytes = p->bytes + (lo - p->va),
		.kind = i->kind,
	};
	if (i->kind == REGION_FUNCTION) {
		r->roots[r->count] = lo;
		r->list[r->count].roots = &r->roots[r->count];
		r->list[r->count].root_count = 1;
	}
	r->count++;
}

/* Divides one piece; *next is the first item in it or beyond. */
static void divide(struct regions *r, const struct piece *p,
		   const struct collector *c, size_t *next)
{
	uint64_t pos = p->va, end = p->va + p->len;
	size_t n = *next;

	while (n < c->count && c->items[n].lo < end) {
		struct item i = c->items[n];
		struct item gap = { pos, i.lo, REGION_REST };
		uint64_t limit;

		while (n < c->count && c->items[n].lo == i.lo)
			n++;
		limit = n < c->count && c->items[n].lo < end ? c->items[n].lo :
							       end;
		/* Sizes of functions are not to be relied on: assembly. */
		if (i.kind == REGION_FUNCTION || i.hi <= i.lo || i.hi > limit)
			i.hi = limit;
		put(r, p, pos, &gap);
		put(r, p, i.lo, &i);
		pos = i.hi;
	}
	put(r, p, pos, &(struct item){ pos, end, REGION_REST });
	*next = n;
}

/* One region a piece, with the few starts that are known as roots. */
static void take_whole(struct regions *r, const struct collector *c)
{
	for (unsigned i = 0; i < c->v->code_count; i++) {
		const struct piece *p = &c->v->code[i];

		r->list[r->count++] = (struct region){
			.lo = p->va,
			.hi = p->va + p->len,
			.bytes = p->bytes,
			.roots = r->roots,
			.root_count = c->count,
		};
	}
	for (size_t n = 0; n < c->count; n++)
		r->roots[n] = c->items[n].lo;
}

int regions_init(struct regions *r, const struct view *v)
{
	struct collector c = { .v = v };
	const struct frames_visitor w = { add_function, NULL, &c };
	size_t next = 0;

	*r = (struct regions){ 0 };
	add_entries(&c);
	view_symbols(v, add_symbol, &c);
	frames_visit(v, &w);
	gotab_visit(v, add_function, &c);
	if (!c.no_memory) {
		size_t max = 2 * c.count + v->code_count + 1;

		r->list = calloc(max, sizeof(*r->list));
		r->roots = calloc(max, sizeof(*r->roots));
	}
	if (!r->list || !r->roots) {
		free(c.items);
		free(r->list);
		free(r->roots);
		*r = (struct regions){ 0 };
		return -ENOMEM;
	}
	if (c.count)
		qsort(c.items, c.count, sizeof(*c.items), compare);
	if (c.count < FEW)
		take_whole(r, &c);
	for (unsigned i = 0; i < v->code_count && c.count >= FEW; i++)
		divide(r, &v->code[i], &c, &next);
	free(c.items);
	return 0;
}

void regions_fini(struct regions *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->list[i].marks);
	free(r->list);
	free(r->roots);
	*r = (struct regions){ 0 };
}
