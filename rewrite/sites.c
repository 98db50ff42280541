/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three windows are tried in turn. `mov $number` alone, and what precedes if
 * it has five bytes, leave the `syscall` itself in place, where an unknown
 * jump to it would still find it; and with everything that precedes, the call
 * returns to code that has not moved. So what follows is taken last.
 */
#include "rewrite/sites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rewrite/code.h"

#define SYSCALL_LEN 2u

static const char *const names[SITE_VERDICT_COUNT] = {
	[SITE_NUMBER] = "number",	[SITE_BEFORE] = "before",
	[SITE_AFTER] = "after",		[SITE_SIGRETURN] = "sigreturn",
	[SITE_UNCERTAIN] = "uncertain", [SITE_TARGET] = "branch-target",
	[SITE_FIXED] = "no-room",	[SITE_FAR] = "too-far",
	[SITE_TOO_MANY] = "too-many",	[SITE_EXCLUDED] = "excluded",
	[SITE_FILE] = "file",
};

const char *site_verdict_name(enum site_verdict v)
{
	return names[v];
}

/* ---- finding ------------------------------------------------------------- */

static int add_site(struct sites *s, const struct site *site)
{
	if (s->count == s->room) {
		size_t room = s->room ? 2 * s->room : 64;
		struct site *n = realloc(s->list, room * sizeof(*n));

		if (!n)
			return -ENOMEM;
		s->list = n;
		s->room = room;
	}
	s->list[s->count++] = *site;
	return 0;
}

/* By its bytes, as unwinders do it: mov $15,%rax or %eax in front of it. */
static bool is_sigreturn(const struct site *s)
{
	static const uint8_t wide[] = { 0x48, 0xc7, 0xc0, 15, 0, 0, 0 };
	static const uint8_t narrow[] = { 0xb8, 15, 0, 0, 0 };
	uint64_t off = s->va - s->region->lo;
	const uint8_t *at = s->region->bytes + off;

	return (off >= sizeof(wide) &&
		memcmp(at - sizeof(wide), wide, sizeof(wide)) == 0) ||
	       (off >= sizeof(narrow) &&
		memcmp(at - sizeof(narrow), narrow, sizeof(narrow)) == 0);
}

static int find_in(struct sites *s, struct region *r)
{
	static const uint8_t opcode[SYSCALL_LEN] = { 0x0f, 0x05 };
	const uint8_t *at = r->bytes, *end = r->bytes + (r->hi - r->lo);
	int err;

	/* The bytes only say where it is worth decoding. */
	while ((at = memmem(at, (size_t)(end - at), opcode, SYSCALL_LEN))) {
		struct site site = { .va = r->lo + (uint64_t)(at - r->bytes),
				     .region = r };
		struct insn i;

		err = code_mark(r);
		if (err)
			return err;
		if ((r->marks[at - r->bytes] & MARK_START) &&
		    code_decode(r, site.va, &i) && i.is_syscall) {
			site.verdict = SITE_FIXED; /* until one is found */
			if (is_sigreturn(&site))
				site.verdict = SITE_SIGRETURN;
			else if (!code_is_certain(r, site.va))
				site.verdict = SITE_UNCERTAIN;
			err = add_site(s, &site);
		}
		if (err)
			return err;
		at++;
	}
	return 0;
}

int sites_find(struct sites *s, const struct regions *r)
{
	*s = (struct sites){ 0 };
	for (size_t i = 0; i < r->count; i++) {
		int err = r->list[i].kind == REGION_DATA ?
				  0 :
				  find_in(s, &r->list[i]);

		if (err) {
			sites_fini(s);
			return err;
		}
	}
	return 0;
}

void sites_fini(struct sites *s)
{
	free(s->list);
	*s = (struct sites){ 0 };
}

/* ---- windows ----------------------------------------------------------- */

/* The call as an instruction of the window. */
static void put_call(struct site *s, unsigned index)
{
	s->call = (uint8_t)index;
	s->insns[index] = (struct insn){
		.va = s->va,
		.bytes = s->region->bytes + (s->va - s->region->lo),
		.len = SYSCALL_LEN,
		.is_syscall = true,
	};
}

/* SITE_NUMBER or SITE_BEFORE, or why not; not below `floor`. */
static enum site_verdict try_before(struct site *s, uint64_t floor)
{
	struct insn list[SITE_INSNS_MAX];
	unsigned n = 0, bytes = 0;
	uint64_t lo = s->va;
	int64_t number;

	while (bytes + SYSCALL_LEN < INSN_JMP_LEN) {
		struct insn *i = &list[n];

		if (n + 1 == SITE_INSNS_MAX ||
		    !code_previous(s->region, lo, i) || i->va < floor ||
		    !i->movable || i->flow == INSN_JUMP || i->flow == INSN_STOP)
			return SITE_FIXED;
		bytes += i->len;
		lo = i->va;
		n++;
	}
	s->lo = lo;
	s->len = (uint8_t)(bytes >= INSN_JMP_LEN ? bytes : bytes + SYSCALL_LEN);
	s->insn_count = (uint8_t)(n + 1);
	for (unsigned k = 0; k < n; k++)
		s->insns[k] = list[n - 1 - k];
	put_call(s, n);
	return n == 1 && bytes >= INSN_JMP_LEN &&
			       insn_sets_rax(&s->insns[0], &number) &&
			       number >= 0 ?
		       SITE_NUMBER :
		       SITE_BEFORE;
}

/* SITE_AFTER, or why not; not beyond `ceiling`. */
static enum site_verdict try_after(struct site *s, uint64_t ceiling)
{
	uint64_t at = s->va + SYSCALL_LEN;
	unsigned n = 1;
	bool ended = false;

	put_call(s, 0);
	while (at - s->va < INSN_JMP_LEN) {
		struct insn i;

		if (at >= ceiling || !code_decode(s->region, at, &i) ||
		    at + i.len > ceiling)
			return SITE_FIXED;
		at += i.len;
		/* What is behind the end of the flow may only be padding. */
		if (ended && i.is_padding)
			continue;
		if (ended || n == SITE_INSNS_MAX || !i.movable ||
		    !(s->region->marks[i.va - s->region->lo] & MARK_START))
			return SITE_FIXED;
		s->insns[n++] = i;
		ended = i.flow == INSN_JUMP || i.flow == INSN_STOP;
	}
	s->lo = s->va;
	s->len = (uint8_t)(at - s->va);
	s->insn_count = (uint8_t)n;
	return SITE_AFTER;
}

/* Whether instructions share a byte of the window. */
static bool overlaps(const struct site *s)
{
	uint64_t off = s->lo - s->region->lo;

	for (unsigned n = 0; n < s->len; n++) {
		if (s->region->marks[off + n] & MARK_OVERLAP)
			return true;
	}
	return false;
}

/*
 * Whether something may jump into the window, behind its first instruction.
 * A number that looks like an address in the middle of an instruction is not
 * one.
 */
static bool is_entered(const struct site *s, const struct targets *t)
{
	uint64_t off = s->lo - s->region->lo;

	for (unsigned n = 1; n < s->len; n++) {
		if (targets_has(t, TARGET_SURE, s->lo + n))
			return true;
		if ((s->region->marks[off + n] & MARK_START) &&
		    targets_has(t, TARGET_MAYBE, s->lo + n))
			return true;
	}
	return false;
}

/* The ELF header is written anew, whatever code a file may have there. */
static bool is_in_header(const struct site *s, const struct targets *t)
{
	const uint8_t *at = s->region->bytes + (s->lo - s->region->lo);

	return (size_t)(at - t->v->buf) < sizeof(Elf64_Ehdr);
}

/* Takes the window unless something may jump into it. */
static enum site_verdict admit(struct site *s, enum site_verdict v,
			       const struct targets *t)
{
	if (v >= SITE_REWRITTEN_COUNT)
		return v;
	if (overlaps(s) || is_in_header(s, t))
		return SITE_FIXED;
	if (is_entered(s, t))
		return SITE_TARGET;
	return v;
}

void sites_choose(struct sites *s, const struct targets *t)
{
	uint64_t floor = 0;

	for (size_t i = 0; i < s->count; i++) {
		struct site *site = &s->list[i];
		uint64_t ceiling = site->region->hi;
		enum site_verdict before, after;

		if (site->verdict != SITE_FIXED)
			continue;
		if (i + 1 < s->count && s->list[i + 1].va < ceiling)
			ceiling = s->list[i + 1].va;
		before = admit(site, try_before(site, floor), t);
		after = before;
		if (before >= SITE_REWRITTEN_COUNT)
			after = admit(site, try_after(site, ceiling), t);
		if (after >= SITE_REWRITTEN_COUNT && before == SITE_TARGET)
			after = before;
		site->verdict = after;
		floor = site->va + SYSCALL_LEN;
		if (after == SITE_AFTER)
			floor = site->lo + site->len;
	}
}
