/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ELF files to be rewritten: whatever the bytes are, what is made of them
 * differs in the ELF header and in the windows that were chosen, the table of
 * stubs leads from each of these to its stub and back, and the result is left
 * alone when it is met again.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/stubs.h"
#include "rewrite/file.h"

#define INPUT_MAX (256u << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool cond)
{
	if (!cond)
		abort();
}

/* Where a jmp with 32 bits of distance at [at] of address va leads. */
static uint64_t jump_target(const uint8_t *at, uint64_t va)
{
	int32_t d;

	require(at[0] == 0xe9);
	memcpy(&d, at + 1, sizeof(d));
	return va + INSN_JMP_LEN + (uint64_t)(int64_t)d;
}

static void check_site(const struct rewritten *r, const struct site *s,
		       const struct stubs *t, uint8_t *restored)
{
	uint64_t off = (uint64_t)(s->region->bytes - r->view.buf) +
		       (s->lo - s->region->lo);
	uint64_t stub = jump_target(r->out + off, s->lo);

	require(s->len >= INSN_JMP_LEN && off >= sizeof(Elf64_Ehdr));
	require(off + s->len <= r->view.size);
	require(s->lo <= s->va && s->va <= s->lo + s->len);
	require(stub - r->stubs_va < r->stubs_size);
	require(stubs_to_site(t, stub) == s->lo);
	for (unsigned n = 1; n < s->insn_count; n++) {
		uint64_t now = stubs_from_site(t, s->insns[n].va);

		require(now - r->stubs_va < r->stubs_size);
		require(stubs_to_site(t, now) == s->insns[n].va);
	}
	memcpy(restored + off, r->view.buf + off, s->len);
}

/* Everything but header and windows is as it was. */
static void check_bytes(const struct rewritten *r)
{
	uint8_t *restored = malloc(r->view.size);
	struct stubs t;

	if (!restored)
		return;
	memcpy(restored, r->out, r->view.size);
	memcpy(restored, r->view.buf, sizeof(Elf64_Ehdr));
	require(stubs_open(&t, r->out + r->stubs_off, r->stubs_size,
			   r->stubs_va));
	for (size_t i = 0; i < r->sites.count; i++) {
		const struct site *s = &r->sites.list[i];

		require(!i || s->va > s[-1].va);
		if (s->verdict < SITE_REWRITTEN_COUNT)
			check_site(r, s, &t, restored);
	}
	require(memcmp(restored, r->view.buf, r->view.size) == 0);
	free(restored);
}

static void check_result(const struct rewritten *r)
{
	struct rewritten again;

	require(r->out_size >= r->view.size && !r->odd && !r->why);
	require(r->stubs_off + r->stubs_size <= r->out_size);
	check_bytes(r);
	if (rewrite_file(&again, r->out, r->out_size, REWRITE) < 0)
		return;
	require(again.odd && again.why && !again.out);
	rewritten_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rewritten r;
	uint8_t *copy;

	if (size > INPUT_MAX)
		return 0;
	copy = malloc(size ? size : 1);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (rewrite_file(&r, copy, size, REWRITE) == 0) {
		if (r.out)
			check_result(&r);
		rewritten_fini(&r);
	}
	free(copy);
	return 0;
}
