/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of rewriting a file. Most files end at the first: without the two
 * bytes of a `syscall` in what may be executed there is nothing to find.
 */
#include "rewrite/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/layout.h"
#include "rewrite/layout.h"
#include "rewrite/stub.h"

#define INT3 0xcc

static bool may_have_sites(const struct view *v)
{
	static const uint8_t opcode[] = { 0x0f, 0x05 };

	for (unsigned i = 0; i < v->load_count; i++) {
		const struct piece *l = &v->loads[i];

		if (l->exec && memmem(l->bytes, l->len, opcode, sizeof(opcode)))
			return true;
	}
	return false;
}

static void give_up(struct rewritten *r, enum site_verdict verdict,
		    const char *why)
{
	for (size_t i = 0; i < r->sites.count; i++) {
		if (r->sites.list[i].verdict != SITE_UNCERTAIN)
			r->sites.list[i].verdict = verdict;
	}
	r->why = why;
}

static size_t count_windows(const struct sites *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		n += s->list[i].verdict < SITE_REWRITTEN_COUNT;
	return n;
}

static void limit_windows(struct sites *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++) {
		if (s->list[i].verdict < SITE_REWRITTEN_COUNT &&
		    ++n > MF_STUBS_SITES_MAX)
			s->list[i].verdict = SITE_TOO_MANY;
	}
}

static int choose(struct rewritten *r)
{
	struct targets t;
	int err = targets_init(&t, &r->view, &r->regions);

	if (err == -E2BIG) {
		give_up(r, SITE_FILE, "it has too many tables");
		return 0;
	}
	if (err)
		return err;
	sites_choose(&r->sites, &t);
	limit_windows(&r->sites);
	targets_fini(&t);
	return 0;
}

/* Text relocations would write into windows. */
static bool has_text_relocations(const struct view *v)
{
	uint64_t value;

	return view_dynamic(v, DT_TEXTREL, &value) ||
	       (view_dynamic(v, DT_FLAGS, &value) && (value & DF_TEXTREL));
}

/* ---- putting in the stubs ---------------------------------------------- */

static void overwrite(struct rewritten *r, const struct site *s,
		      const uint8_t jmp[INSN_JMP_LEN])
{
	uint8_t *at = r->out + (s->region->bytes - r->view.buf) +
		      (s->lo - s->region->lo);

	memset(at, INT3, s->len);
	memcpy(at, jmp, INSN_JMP_LEN);
}

static void put_entry(uint8_t *at, const struct site *s, uint64_t header_va,
		      const struct stub *st, uint64_t code_off)
{
	struct mf_stub e = {
		.back = (uint32_t)(header_va - s->lo),
		.code = (uint32_t)code_off,
		.code_len = st->len,
		.insn_count = st->insn_count,
	};

	memcpy(e.insns, st->insns, sizeof(e.insns));
	memcpy(at, &e, sizeof(e));
}

/* One site; false if the distances are too large. */
static bool put_stub(struct rewritten *r, const struct layout *l,
		     struct site *s, uint32_t *count, uint64_t *code_off)
{
	uint64_t va = l->va + *code_off;
	uint8_t jmp[INSN_JMP_LEN];
	struct stub st;

	if (l->va - s->lo > UINT32_MAX || !insn_write_jmp(jmp, s->lo, va) ||
	    !stub_make(&st, s, va))
		return false;
	overwrite(r, s, jmp);
	put_entry(r->out + l->off + l->table_off +
			  *count * sizeof(struct mf_stub),
		  s, l->va, &st, *code_off);
	memset(r->out + l->off + *code_off, INT3, LAYOUT_STUB_ROOM(st.len));
	memcpy(r->out + l->off + *code_off, st.code, st.len);
	*code_off += LAYOUT_STUB_ROOM(st.len);
	++*count;
	return true;
}

static void put_stubs(struct rewritten *r, struct layout *l)
{
	struct mf_stubs_hdr h = {
		.magic = MF_STUBS_MAGIC,
		.table_off = (uint32_t)l->table_off,
	};
	uint64_t code_off = l->code_off;

	for (size_t i = 0; i < r->sites.count; i++) {
		struct site *s = &r->sites.list[i];

		if (s->verdict < SITE_REWRITTEN_COUNT &&
		    !put_stub(r, l, s, &h.count, &code_off))
			s->verdict = SITE_FAR;
	}
	l->size = code_off;
	h.size = (uint32_t)code_off;
	memcpy(r->out + l->off, &h, sizeof(h));
}

static int build(struct rewritten *r)
{
	struct layout l;
	int err;

	r->why = layout_plan(&l, &r->view, count_windows(&r->sites));
	if (r->why) {
		give_up(r, SITE_FILE, r->why);
		return 0;
	}
	r->out = calloc(1, l.size_max);
	if (!r->out)
		return -ENOMEM;
	memcpy(r->out, r->view.buf, r->view.size);
	put_stubs(r, &l);
	if (!count_windows(&r->sites)) {
		free(r->out);
		r->out = NULL;
		return 0;
	}
	err = layout_finish(&l, &r->view, r->out, &r->out_size);
	r->stubs_off = l.off;
	r->stubs_va = l.va;
	r->stubs_size = l.size;
	return err;
}

static int analyse(struct rewritten *r, enum rewrite_mode mode)
{
	int err = regions_init(&r->regions, &r->view);

	if (!err)
		err = sites_find(&r->sites, &r->regions);
	if (err)
		return err;
	if (mode == REWRITE_EXCLUDED) {
		give_up(r, SITE_EXCLUDED, NULL);
		return 0;
	}
	if (mode == REWRITE_VERIFIED) {
		give_up(r, SITE_FILE, "its checksum lies beside it");
		return 0;
	}
	if (has_text_relocations(&r->view)) {
		give_up(r, SITE_FILE, "its code has relocations");
		return 0;
	}
	for (size_t i = 0; i < r->sites.count; i++) {
		if (r->sites.list[i].verdict == SITE_FIXED) {
			err = choose(r);
			break;
		}
	}
	if (!err && count_windows(&r->sites))
		err = build(r);
	return err;
}

int rewrite_file(struct rewritten *ret, const void *buf, uint64_t size,
		 enum rewrite_mode mode)
{
	int err = 0;

	*ret = (struct rewritten){ 0 };
	switch (view_init(&ret->view, buf, size, &ret->why)) {
	case VIEW_OK:
		if (may_have_sites(&ret->view))
			err = analyse(ret, mode);
		break;
	case VIEW_ODD:
		ret->odd = true;
		break;
	case VIEW_OTHER:
		break;
	case VIEW_NO_MEMORY:
		err = -ENOMEM;
		break;
	}
	if (err)
		rewritten_fini(ret);
	return err;
}

void rewritten_fini(struct rewritten *r)
{
	free(r->out);
	sites_fini(&r->sites);
	regions_fini(&r->regions);
	view_fini(&r->view);
	*r = (struct rewritten){ 0 };
}
