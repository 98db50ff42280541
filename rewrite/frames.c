/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .eh_frame and .gcc_except_table, as the Linux Standard Base Core
 * Specification 5.0, 10.6, and the Itanium C++ ABI describe them. A record
 * that does not parse is skipped: the next one begins where its length says.
 */
#include "rewrite/frames.h"

#include "rewrite/bytes.h"

struct cie {
	uint8_t code_enc; /* of the addresses in its FDEs */
	uint8_t lsda_enc; /* PE_OMIT: none */
	bool augmented; /* its FDEs have augmentation data */
	bool usable;
	bool signal; /* its FDEs begin a byte before the code, or not */
};

#define LETTERS_MAX 8u /* of an augmentation */

/* Tables may be named again and again; no real file has so many entries. */
#define LANDINGS_MAX (1u << 24)

struct work {
	const struct frames_visitor *visitor;
	uint32_t landings_left;
};

static struct cie parse_cie(struct cursor c)
{
	struct cie r = { .code_enc = 0, .lsda_enc = PE_OMIT };
	uint8_t version = (uint8_t)cursor_uint(&c, 1);
	char letters[LETTERS_MAX + 1] = "";
	unsigned n = 0;

	while ((letters[n] = (char)cursor_uint(&c, 1))) {
		if (++n > LETTERS_MAX)
			return r;
	}
	if (version != 1 && version != 3)
		return r;
	cursor_uleb(&c); /* code alignment */
	cursor_uleb(&c); /* data alignment, signed: the same length */
	if (version == 1)
		cursor_uint(&c, 1); /* register of the return address */
	else
		cursor_uleb(&c);
	r.augmented = letters[0] == 'z';
	if (r.augmented)
		cursor_uleb(&c);
	for (n = r.augmented; letters[n]; n++) {
		if (letters[n] == 'R')
			r.code_enc = (uint8_t)cursor_uint(&c, 1);
		else if (letters[n] == 'L')
			r.lsda_enc = (uint8_t)cursor_uint(&c, 1);
		else if (letters[n] == 'P')
			cursor_pointer(&c, (uint8_t)cursor_uint(&c, 1));
		else if (letters[n] == 'S')
			r.signal = true;
		else if (letters[n] != 'B')
			return r;
	}
	r.usable = !c.failed;
	return r;
}

/* The table of call sites: each may say where an exception lands. */
static void parse_lsda(const struct view *v, uint64_t va, uint64_t start,
		       struct work *w)
{
	struct cursor c = { .va = va };
	uint64_t end;
	uint8_t enc;

	c.at = view_at(v, va, &c.left);
	if (!c.at)
		return;
	enc = (uint8_t)cursor_uint(&c, 1);
	if (enc != PE_OMIT)
		start = cursor_pointer(&c, enc);
	if (cursor_uint(&c, 1) != PE_OMIT)
		cursor_uleb(&c); /* where the table of types is */
	enc = (uint8_t)cursor_uint(&c, 1);
	end = cursor_uleb(&c);
	if (c.failed || end > c.left || (enc & PE_BASE))
		return;
	c.left = end;
	while (c.left && !c.failed && w->landings_left) {
		uint64_t landing;

		cursor_pointer(&c, enc); /* of the call site: its start, */
		cursor_pointer(&c, enc); /* its length */
		landing = cursor_pointer(&c, enc);
		cursor_uleb(&c); /* action */
		w->landings_left--;
		if (landing && !c.failed)
			w->visitor->landing(w->visitor->arg, start + landing);
	}
}

static void parse_fde(const struct view *v, struct cursor c,
		      const struct cie *cie, struct work *w)
{
	uint64_t lo = cursor_pointer(&c, cie->code_enc);
	uint64_t len = cursor_pointer(&c, cie->code_enc & PE_FORM);
	uint64_t lsda;

	if (c.failed || !lo || !len || (cie->code_enc & PE_INDIRECT) ||
	    lo + len < lo)
		return;
	w->visitor->function(w->visitor->arg, lo, lo + len);
	if (!w->visitor->landing || !cie->augmented ||
	    cie->lsda_enc == PE_OMIT || (cie->lsda_enc & PE_INDIRECT))
		return;
	cursor_uleb(&c);
	lsda = cursor_pointer(&c, cie->lsda_enc);
	if (lsda && !c.failed)
		parse_lsda(v, lsda, lo, w);
}

/* Where .eh_frame begins: the search table's header names it. */
static bool find_frames(const struct view *v, struct cursor *ret)
{
	const Elf64_Shdr *s = view_section(v, ".eh_frame");
	struct cursor c = { 0 };
	uint8_t version, enc;

	for (unsigned i = 0; i < v->eh.e_phnum && !s; i++) {
		if (v->ph[i].p_type == PT_GNU_EH_FRAME)
			c.va = v->ph[i].p_vaddr;
	}
	if (s) {
		ret->va = s->sh_addr;
	} else {
		c.at = view_at(v, c.va, &c.left);
		if (!c.at)
			return false;
		version = (uint8_t)cursor_uint(&c, 1);
		enc = (uint8_t)cursor_uint(&c, 1);
		cursor_skip(&c, 2);
		ret->va = cursor_pointer(&c, enc);
		if (version != 1 || (enc & PE_INDIRECT) || c.failed)
			return false;
	}
	ret->at = view_at(v, ret->va, &ret->left);
	if (ret->at && s && s->sh_size < ret->left)
		ret->left = s->sh_size;
	return ret->at;
}

/* The CIE whose record begins `back` bytes before `id_va`. */
static struct cie find_cie(struct cursor start, uint64_t id_va, uint64_t back)
{
	uint64_t len;

	if (!back || back > id_va - start.va)
		return (struct cie){ 0 };
	cursor_skip(&start, id_va - back - start.va);
	len = cursor_uint(&start, 4);
	if (len < 4 || len > start.left)
		return (struct cie){ 0 };
	start.left = len;
	if (cursor_uint(&start, 4) != 0)
		return (struct cie){ 0 };
	return parse_cie(start);
}

void frames_visit(const struct view *v, const struct frames_visitor *w)
{
	struct cursor all = { 0 }, start, record;
	struct work work = { w, LANDINGS_MAX };
	uint64_t len, id_va;
	struct cie cie;

	if (!find_frames(v, &all))
		return;
	start = all;
	while (all.left >= 4) {
		len = cursor_uint(&all, 4);
		if (len == 0xffffffff)
			len = cursor_uint(&all, 8);
		if (!len || len > all.left)
			return;
		record = all;
		record.left = len;
		cursor_skip(&all, len);
		id_va = record.va;
		cie = find_cie(start, id_va, cursor_uint(&record, 4));
		if (cie.usable && !cie.signal)
			parse_fde(v, record, &cie, &work);
	}
}
