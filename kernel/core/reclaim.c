/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two bits per page. `old`: free, with old contents, to be cleared before it
 * is handed out. `blank`: cleared here, so it was zero and the host held
 * memory for it; it may be in use and written by now, and is compared with
 * zero before it is given back. A page with neither bit is zero if it is free.
 *
 * Giving back leaves the guest, and a page that is used again costs a fault
 * on the host, so short runs wait until there are many of them, or a second
 * has passed. Long runs go at once.
 */
#include "core/reclaim.h"

#include "arch.h"
#include "core/alloc.h"
#include "core/time.h"

#define LONG_PAGES 64u /* a run that goes at once */
#define IDLE_PAGES 64u /* fewer are not worth waking up for */
#define PILE_MIN   256u /* of pages waiting, at least ... */
#define PILE_MAX   4096u /* ... and at most */
#define PILE_SHARE 64 /* of the memory limit, in between */
#define IDLE_NS	   (1ull * NS_PER_SEC)
#define WORD_BITS  64u

static uint64_t *old, *blank;
static uint64_t old_count, blank_count;
static uint64_t pile_max;
static uint32_t lo = UINT32_MAX, hi; /* all bits are in [lo, hi) */
static struct ktimer idle_timer;
static bool idle_armed;
static struct mf_range *ranges; /* going back with the next exit */
static uint32_t range_count;

uint64_t reclaim_size(uint64_t pages)
{
	return 2 * ALIGN_UP(pages, WORD_BITS) / 8 +
	       MF_DISCARD_MAX * sizeof(struct mf_range);
}

static void trim(void);

void reclaim_trim(void)
{
	arch_mmu_sweep();
	trim();
	arch_mmu_flush();
}

static void idle_fire(struct ktimer *t)
{
	(void)t;
	idle_armed = false;
	reclaim_trim();
}

void reclaim_init(void *memory, uint64_t pages)
{
	uint64_t share = kernel_boot->mem_limit / PILE_SHARE / PAGE_SIZE;

	old = memory;
	blank = old + ALIGN_UP(pages, WORD_BITS) / WORD_BITS;
	ranges = (struct mf_range *)(blank + (blank - old));
	pile_max = min_u64(max_u64(share, PILE_MIN), PILE_MAX);
	idle_timer.fire = idle_fire;
	list_init(&idle_timer.node);
}

/* The compiler's own needs a library. */
static unsigned bit_count(uint64_t v)
{
	v -= v >> 1 & 0x5555555555555555ull;
	v = (v & 0x3333333333333333ull) + (v >> 2 & 0x3333333333333333ull);
	v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (unsigned)(v * 0x0101010101010101ull >> 56);
}

/* The bits of [pfn, end) that are in the word of pfn. */
static uint64_t word_mask(uint32_t pfn, uint32_t end)
{
	uint32_t first = pfn % WORD_BITS;
	uint64_t mask = ~0ull << first;

	if (end - pfn < WORD_BITS - first)
		mask &= (1ull << (first + end - pfn)) - 1;
	return mask;
}

static uint32_t next_word(uint32_t pfn)
{
	return (pfn / WORD_BITS + 1) * WORD_BITS;
}

static uint64_t clear_bits(uint64_t *map, uint32_t pfn, uint32_t end)
{
	uint64_t cleared = 0;

	for (; pfn < end; pfn = next_word(pfn)) {
		uint64_t *word = &map[pfn / WORD_BITS];
		uint64_t mask = word_mask(pfn, end);

		cleared += bit_count(*word & mask);
		*word &= ~mask;
	}
	return cleared;
}

static uint64_t set_bits(uint64_t *map, uint32_t pfn, uint32_t end)
{
	uint64_t set = 0;

	lo = min_u64(lo, pfn);
	hi = max_u64(hi, end);
	for (; pfn < end; pfn = next_word(pfn)) {
		uint64_t *word = &map[pfn / WORD_BITS];
		uint64_t mask = word_mask(pfn, end);

		set += bit_count(~*word & mask);
		*word |= mask;
	}
	return set;
}

/* ---- giving back ------------------------------------------------------- */

/* One exit for all that waits in `ranges`, and for a flush that is due. */
static void ring_discard(void)
{
	if (!range_count)
		return;
	kernel_shared->arg[0] = kva_gpa(ranges).v;
	kernel_shared->arg[1] = range_count;
	kernel_shared->arg[2] = arch_mmu_take_flush() ? MF_DISCARD_FLUSH : 0;
	range_count = 0;
	if (arch_doorbell(MF_DB_DISCARD) != 0)
		kpanic("the host refuses to take memory back");
}

/* Neither free to be handed out nor in use until the exit. */
static void queue_range(uint32_t pfn, uint32_t end)
{
	old_count -= clear_bits(old, pfn, end);
	blank_count -= clear_bits(blank, pfn, end);
	if (range_count == MF_DISCARD_MAX)
		ring_discard();
	ranges[range_count].gpa = pfn * PAGE_SIZE;
	ranges[range_count].len = (end - pfn) * PAGE_SIZE;
	range_count++;
}

static bool page_is_zero(uint32_t pfn)
{
	const uint64_t *p = gpa_kva((gpa_t){ pfn * PAGE_SIZE });

	for (size_t i = 0; i < PAGE_SIZE / sizeof(*p); i++)
		if (p[i])
			return false;
	return true;
}

/* Whether the host's memory for this page is not needed; it has a bit. */
static bool is_waste(uint32_t pfn)
{
	uint64_t bit = 1ull << (pfn % WORD_BITS);

	if ((old[pfn / WORD_BITS] & bit) || page_is_zero(pfn))
		return true;
	blank[pfn / WORD_BITS] &= ~bit;
	blank_count--;
	return false;
}

/* Gives everything back that can be. */
static void trim(void)
{
	uint32_t start = 0, end = 0; /* the run found so far */

	for (uint32_t at = lo / WORD_BITS * WORD_BITS; at < hi;
	     at += WORD_BITS) {
		uint64_t bits = old[at / WORD_BITS] | blank[at / WORD_BITS];

		for (; bits; bits &= bits - 1) {
			uint32_t pfn = at + (uint32_t)__builtin_ctzll(bits);

			if (!is_waste(pfn))
				continue;
			if (pfn != end) {
				if (start != end)
					queue_range(start, end);
				start = pfn;
			}
			end = pfn + 1;
		}
	}
	if (start != end)
		queue_range(start, end);
	lo = UINT32_MAX;
	hi = 0;
	ring_discard();
}

static void pile_grew(void)
{
	if (old_count + blank_count > pile_max) {
		trim();
	} else if (old_count + blank_count > IDLE_PAGES && !idle_armed) {
		idle_armed = true;
		ktimer_start(&idle_timer, time_deadline(IDLE_NS));
	}
}

/* ---- for the owner of the pages ---------------------------------------- */

static void clear_old(uint32_t pfn, uint32_t end, bool user)
{
	for (; pfn < end; pfn = next_word(pfn)) {
		uint64_t *word = &old[pfn / WORD_BITS];
		uint64_t found = *word & word_mask(pfn, end);
		uint64_t base = ALIGN_DOWN(pfn, WORD_BITS);

		if (!found)
			continue;
		*word &= ~found;
		old_count -= bit_count(found);
		if (user) {
			blank[pfn / WORD_BITS] |= found;
			blank_count += bit_count(found);
		}
		for (; found; found &= found - 1)
			memset(gpa_kva((gpa_t){
				       (base +
					(unsigned)__builtin_ctzll(found)) *
				       PAGE_SIZE }),
			       0, PAGE_SIZE);
	}
}

void reclaim_taken(uint32_t pfn, uint32_t count, bool user)
{
	ring_discard();
	clear_old(pfn, pfn + count, user);
	if (!user)
		blank_count -= clear_bits(blank, pfn, pfn + count);
}

void reclaim_freed(uint32_t pfn, uint32_t count)
{
	uint32_t end = pfn + count;

	if (count >= LONG_PAGES) {
		gpa_t gpa = { pfn * PAGE_SIZE };

		blank_count -= clear_bits(blank, pfn, end);
		if (!arch_discard(gpa, count * PAGE_SIZE))
			queue_range(pfn, end);
		return;
	}
	blank_count -= clear_bits(blank, pfn, end);
	old_count += set_bits(old, pfn, end);
	pile_grew();
}

void reclaim_zero(gpa_t gpa, uint64_t len)
{
	uint32_t pfn = (uint32_t)(gpa.v / PAGE_SIZE);
	uint32_t end = pfn + (uint32_t)(len / PAGE_SIZE);

	if (arch_discard(gpa, len)) {
		blank_count -= clear_bits(blank, pfn, end);
		return;
	}
	if (end - pfn >= LONG_PAGES) {
		queue_range(pfn, end);
		return;
	}
	reclaim_clear(gpa, len);
}

void reclaim_clear(gpa_t gpa, uint64_t len)
{
	uint32_t pfn = (uint32_t)(gpa.v / PAGE_SIZE);

	memset(gpa_kva(gpa), 0, len);
	blank_count += set_bits(blank, pfn, pfn + (uint32_t)(len / PAGE_SIZE));
	pile_grew();
}

void reclaim_flush(void)
{
	ring_discard();
	arch_mmu_flush();
}
