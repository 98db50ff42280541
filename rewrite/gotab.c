/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the pclntab by the eight bytes that open it, in whatever segment it
 * lies, and reads the table of function starts. Go's src/debug/gosym/pclntab.go
 * documents the versions: 1.2, 1.16, 1.18 and 1.20.
 */
#include "rewrite/gotab.h"

#include "rewrite/bytes.h"

#define MAGIC_12      0xfffffffbu
#define MAGIC_116     0xfffffffau
#define MAGIC_118     0xfffffff0u
#define MAGIC_120     0xfffffff1u
#define FUNCTIONS_MAX (1u << 24)

struct gotab {
	struct cursor table; /* of function starts */
	uint64_t count;
	uint64_t base; /* added to each */
	unsigned size; /* bytes of one number */
};

static bool read_header(const struct view *v, struct cursor c,
			struct gotab *ret)
{
	struct cursor whole = c;
	uint32_t magic = (uint32_t)cursor_uint(&c, 4);
	const Elf64_Shdr *text;
	uint64_t off = 8 + 8;

	if (cursor_uint(&c, 2) != 0 || cursor_uint(&c, 1) != 1 ||
	    cursor_uint(&c, 1) != 8)
		return false;
	*ret = (struct gotab){ .count = cursor_uint(&c, 8), .size = 8 };
	if (magic == MAGIC_118 || magic == MAGIC_120) {
		cursor_uint(&c, 8); /* number of files */
		ret->base = cursor_uint(&c, 8);
		ret->size = 4;
		cursor_skip(&c, 4 * 8);
		off = cursor_uint(&c, 8);
		text = view_section(v, ".text");
		if (!view_code(v, ret->base) && text)
			ret->base = text->sh_addr;
	} else if (magic == MAGIC_116) {
		cursor_skip(&c, 5 * 8);
		off = cursor_uint(&c, 8);
	} else if (magic != MAGIC_12) {
		return false;
	}
	cursor_skip(&whole, off);
	ret->table = whole;
	return !c.failed && !whole.failed && ret->count &&
	       ret->count < FUNCTIONS_MAX &&
	       whole.left / (2 * ret->size) > ret->count &&
	       view_code(v, cursor_uint(&whole, ret->size) + ret->base);
}

/* Each entry is a start and something else; one more start ends the table. */
static void visit(struct gotab g,
		  void (*function)(void *arg, uint64_t lo, uint64_t hi),
		  void *arg)
{
	uint64_t lo = cursor_uint(&g.table, g.size) + g.base;

	while (g.count--) {
		uint64_t hi;

		cursor_skip(&g.table, g.size);
		hi = cursor_uint(&g.table, g.size) + g.base;
		if (hi <= lo)
			return;
		function(arg, lo, hi);
		lo = hi;
	}
}

void gotab_visit(const struct view *v,
		 void (*function)(void *arg, uint64_t lo, uint64_t hi),
		 void *arg)
{
	for (unsigned i = 0; i < v->load_count; i++) {
		const struct piece *l = &v->loads[i];

		for (uint64_t off = 0; off + 8 <= l->len; off += 8) {
			struct cursor c = { l->bytes + off, l->len - off,
					    l->va + off, false };
			struct gotab g;

			/* The bytes all versions share come first. */
			if (c.at[1] != 0xff || c.at[2] != 0xff ||
			    c.at[3] != 0xff || c.at[4] || c.at[5] ||
			    !read_header(v, c, &g))
				continue;
			visit(g, function, arg);
			return;
		}
	}
}
