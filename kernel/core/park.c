/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leaves of a parked range are what they were when the program owned it, so
 * they still tell what was written and what may be in the TLB. No area covers
 * them; whoever maps there asks park_reuse first.
 */
#include "core/park.h"

#include "core/commit.h"
#include "core/reclaim.h"
#include "core/signal.h"

#define PARK_MAX   8u
#define PARK_BYTES (64 * PAGE_SIZE) /* of one area; more is worth a flush */

static struct {
	uint64_t start, end;
} parked[PARK_MAX];
static unsigned parked_count;

static bool fits(const struct vma *v)
{
	return !v->file && v->prot == (PROT_READ | PROT_WRITE) &&
	       v->flags == (MAP_PRIVATE | MAP_ANONYMOUS);
}

/* To unmap a part of a huge leaf takes memory. */
static bool is_huge(uint64_t va)
{
	struct arch_leaf leaf;

	arch_mmu_lookup(va, &leaf);
	return !leaf.present || leaf.size != PAGE_SIZE;
}

bool park_area(const struct vma *v)
{
	if (!fits(v) || v->end - v->start > PARK_BYTES ||
	    signal_action(SIGSEGV)->handler || is_huge(v->start) ||
	    is_huge(v->end - PAGE_SIZE))
		return false;
	if (parked_count == PARK_MAX)
		commit_settle();
	if (parked_count == PARK_MAX)
		return false;
	parked[parked_count].start = v->start;
	parked[parked_count].end = v->end;
	parked_count++;
	mm_epoch++;
	return true;
}

static void clear_found(gpa_t gpa, uint64_t len, bool dirty)
{
	(void)dirty;
	reclaim_clear(gpa, len);
}

int park_reuse(const struct vma *v, uint64_t start, uint64_t end)
{
	bool settled = false;
	unsigned i = 0;

	while (i < parked_count) {
		uint64_t from = parked[i].start, to = parked[i].end;

		if (to <= start || from >= end) {
			i++;
		} else if (v && fits(v) && from >= start && to <= end) {
			parked[i] = parked[--parked_count];
			arch_mmu_dirty(from, to - from, clear_found);
		} else if (settled) {
			return -ENOMEM;
		} else {
			commit_settle();
			settled = true;
			i = 0;
		}
	}
	return 0;
}

bool park_unmap(void)
{
	unsigned count = parked_count;

	/* What the host does not unmap stays, and is tried again. */
	parked_count = 0;
	for (unsigned i = 0; i < count; i++)
		if (commit_release(parked[i].start, parked[i].end))
			parked[parked_count++] = parked[i];
	return count > 0;
}
