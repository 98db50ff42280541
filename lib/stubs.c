/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binary search in the table of stubs. An unsorted table makes a search
 * miss, nothing worse: entries are copied out and checked one by one.
 */
#include "lib/stubs.h"

#include "lib/mem.h"

bool stubs_open(struct stubs *ret, const void *base, uint64_t len, uint64_t va)
{
	struct mf_stubs_hdr h;

	if (len < sizeof(h))
		return false;
	memcpy(&h, base, sizeof(h));
	if (h.magic != MF_STUBS_MAGIC || h.reserved ||
	    h.count > MF_STUBS_SITES_MAX || h.size > len ||
	    h.table_off > h.size ||
	    h.count * (uint64_t)sizeof(struct mf_stub) > h.size - h.table_off)
		return false;
	ret->base = base;
	ret->va = va;
	ret->size = h.size;
	ret->count = h.count;
	ret->table_off = h.table_off;
	return true;
}

static struct mf_stub entry(const struct stubs *s, uint32_t i)
{
	struct mf_stub e;

	memcpy(&e,
	       (const uint8_t *)s->base + s->table_off +
		       i * (uint64_t)sizeof(e),
	       sizeof(e));
	if (e.insn_count > MF_STUB_INSNS_MAX)
		e.insn_count = 0;
	return e;
}

/* The last entry that begins at or below `off`, by code or by site. */
static bool find(const struct stubs *s, int64_t off, bool by_code,
		 struct mf_stub *ret)
{
	uint32_t lo = 0, hi = s->count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		struct mf_stub e = entry(s, mid);
		int64_t at = by_code ? (int64_t)e.code : -(int64_t)e.back;

		if (at <= off) {
			*ret = e;
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	return lo > 0;
}

uint64_t stubs_to_site(const struct stubs *s, uint64_t pc)
{
	struct mf_stub e;
	uint64_t at;
	unsigned n = 0;

	if (pc < s->va || pc - s->va >= s->size ||
	    !find(s, (int64_t)(pc - s->va), true, &e))
		return pc;
	at = pc - s->va - e.code;
	if (at >= e.code_len || !e.insn_count)
		return pc;
	while (n + 1u < e.insn_count && e.insns[n + 1].stub <= at)
		n++;
	return s->va - e.back + e.insns[n].site;
}

uint64_t stubs_from_site(const struct stubs *s, uint64_t pc)
{
	struct mf_stub e;
	uint64_t at;

	if (pc >= s->va || s->va - pc > UINT32_MAX ||
	    !find(s, -(int64_t)(s->va - pc), false, &e))
		return pc;
	at = pc - (s->va - e.back);
	for (unsigned i = 0; i < e.insn_count && at; i++) {
		if (e.insns[i].site == at)
			return s->va + e.code + e.insns[i].stub;
	}
	return pc;
}
