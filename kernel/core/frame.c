/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buddy allocator. struct frame of every page of ram_max lies in one
 * array at the end of the RAM mapped at boot; it is only touched where frames
 * are used, so its untouched part costs the host nothing. A block's state is
 * kept in its first frame. Which free pages hold old contents, and when the
 * host gets memory back, is core/reclaim.c.
 *
 * RAM enters the free lists from below, CHUNK by CHUNK, when it is needed:
 * that keeps a small program in the low memory the host has prepared, and the
 * array cold.
 */
#include "core/frame.h"

#include "arch.h"
#include "core/reclaim.h"

#define NONE	   UINT32_MAX
#define ORDERS	   (FRAME_ORDER_MAX + 1)
#define GROW_BYTES (16ull << 20)
#define CHUNK	   (PAGE_SIZE << FRAME_ORDER_MAX)

struct frame {
	uint32_t next, prev; /* free list, frame numbers */
	uint32_t extra_refs; /* references beyond the first */
	uint8_t order;
	bool free; /* head of a free block */
	uint8_t tag;
	uint8_t pad;
};

_Static_assert(sizeof(struct frame) == 16, "frame array is 1/256 of RAM");

static struct frame *frames;
static uint32_t free_head[ORDERS];
static uint64_t ram_size; /* bytes mapped by the monitor */
static uint64_t fresh, fresh_end; /* not in the free lists yet, bytes */
static uint64_t free_pages; /* in the free lists */
static uint64_t used_pages;

static void list_push(uint32_t pfn, unsigned order)
{
	struct frame *f = &frames[pfn];

	f->order = (uint8_t)order;
	f->free = true;
	f->prev = NONE;
	f->next = free_head[order];
	if (f->next != NONE)
		frames[f->next].prev = pfn;
	free_head[order] = pfn;
}

static void list_remove(uint32_t pfn)
{
	struct frame *f = &frames[pfn];

	if (f->prev != NONE)
		frames[f->prev].next = f->next;
	else
		free_head[f->order] = f->next;
	if (f->next != NONE)
		frames[f->next].prev = f->prev;
	f->free = false;
}

static void free_block(uint32_t pfn, unsigned order)
{
	uint64_t pages = ram_size / PAGE_SIZE;

	free_pages += 1ull << order;
	while (order < FRAME_ORDER_MAX) {
		uint32_t buddy = pfn ^ (1u << order);

		if (buddy + (1ull << order) > pages || !frames[buddy].free ||
		    frames[buddy].order != order)
			break;
		list_remove(buddy);
		pfn &= ~(1u << order);
		order++;
	}
	list_push(pfn, order);
}

/* Frees any run of pages as the largest aligned blocks it is made of. */
static void free_run(uint32_t pfn, uint64_t count)
{
	while (count) {
		unsigned order = FRAME_ORDER_MAX;

		while ((pfn & ((1u << order) - 1)) || (1ull << order) > count)
			order--;
		free_block(pfn, order);
		pfn += 1u << order;
		count -= 1ull << order;
	}
}

void frame_init(void)
{
	const struct mf_boot *boot = kernel_boot;
	uint64_t pages = boot->ram_max / PAGE_SIZE;
	uint64_t table = pages * sizeof(struct frame);
	uint64_t size = ALIGN_UP(table + reclaim_size(pages), PAGE_SIZE);

	for (unsigned i = 0; i < ORDERS; i++)
		free_head[i] = NONE;
	ram_size = boot->ram_size;
	fresh = ALIGN_UP(boot->free_gpa, PAGE_SIZE);
	if (ram_size < size || ram_size - size <= fresh)
		kpanic("%lu KiB of memory do not hold the page frame table",
		       ram_size >> 10);
	fresh_end = ram_size - size;
	frames = gpa_kva((gpa_t){ fresh_end });
	reclaim_init(gpa_kva((gpa_t){ fresh_end + table }), pages);
}

/* The monitor maps more RAM; false if it may not. */
static bool grow(void)
{
	uint64_t size = max_u64(ram_size * 2, ram_size + GROW_BYTES);

	size = ALIGN_DOWN(min_u64(size, kernel_boot->ram_max), MF_HUGE_SIZE);
	if (size <= ram_size)
		return false;
	kernel_shared->arg[0] = size;
	if (arch_doorbell(MF_DB_GROW) != 0)
		return false;
	fresh = ram_size;
	fresh_end = size;
	ram_size = size;
	return true;
}

/* Brings the next chunk into the free lists. */
static bool add_chunk(void)
{
	uint64_t end;

	for (;;) {
		if (fresh >= MF_HOLE_LO && fresh < MF_HOLE_HI)
			fresh = min_u64(MF_HOLE_HI, fresh_end);
		if (fresh < fresh_end)
			break;
		if (!grow())
			return false;
	}
	end = min_u64(ALIGN_UP(fresh + 1, CHUNK), fresh_end);
	if (fresh < MF_HOLE_LO && end > MF_HOLE_LO)
		end = MF_HOLE_LO;
	free_run((uint32_t)(fresh / PAGE_SIZE), (end - fresh) / PAGE_SIZE);
	fresh = end;
	return true;
}

static void account(void)
{
	uint64_t now = frame_used_bytes();

	kernel_stats->mem_now = now;
	if (now > kernel_stats->mem_peak)
		kernel_stats->mem_peak = now;
}

/* A block of this order, or NONE. */
static uint32_t take_block(unsigned order)
{
	unsigned at;
	uint32_t pfn;

	do {
		for (at = order; at <= FRAME_ORDER_MAX; at++)
			if (free_head[at] != NONE)
				break;
	} while (at > FRAME_ORDER_MAX && add_chunk());
	if (at > FRAME_ORDER_MAX)
		return NONE;
	pfn = free_head[at];
	list_remove(pfn);
	while (at > order) {
		at--;
		list_push(pfn + (1u << at), at);
	}
	free_pages -= 1ull << order;
	return pfn;
}

gpa_t frame_alloc(unsigned order)
{
	uint32_t pfn = take_block(order);

	if (pfn == NONE)
		return (gpa_t){ 0 };
	used_pages += 1ull << order;
	reclaim_taken(pfn, 1u << order, false);
	account();
	return (gpa_t){ pfn * PAGE_SIZE };
}

gpa_t frame_alloc_run(uint64_t want, uint64_t *ret_count)
{
	unsigned order = 0;
	uint32_t pfn, count;

	while (order < FRAME_ORDER_MAX && (1ull << order) < want)
		order++;
	pfn = take_block(order);
	while (pfn == NONE && order)
		pfn = take_block(--order);
	if (pfn == NONE)
		return (gpa_t){ 0 };
	count = (uint32_t)min_u64(want, 1u << order);
	free_run(pfn + count, (1u << order) - count);
	used_pages += count;
	reclaim_taken(pfn, count, true);
	account();
	*ret_count = count;
	return (gpa_t){ pfn * PAGE_SIZE };
}

static void release_run(uint32_t pfn, uint32_t count, bool dirty)
{
	if (!count)
		return;
	used_pages -= count;
	free_run(pfn, count);
	if (dirty)
		reclaim_freed(pfn, count);
}

void frame_unref_range(gpa_t gpa, uint64_t len, bool dirty)
{
	uint32_t pfn = (uint32_t)(gpa.v / PAGE_SIZE);
	uint32_t start = pfn; /* of the run that becomes free */
	uint32_t end = pfn + (uint32_t)(len / PAGE_SIZE);

	for (; pfn < end; pfn++) {
		if (!frames[pfn].extra_refs)
			continue;
		frames[pfn].extra_refs--;
		release_run(start, pfn - start, dirty);
		start = pfn + 1;
	}
	release_run(start, end - start, dirty);
	account();
}

void frame_ref(gpa_t gpa)
{
	frames[gpa.v / PAGE_SIZE].extra_refs++;
}

bool frame_is_shared(gpa_t gpa)
{
	return frames[gpa.v / PAGE_SIZE].extra_refs;
}

uint64_t frame_free_bytes(void)
{
	return free_pages * PAGE_SIZE + (fresh_end - fresh);
}

uint64_t frame_available_bytes(void)
{
	return frame_free_bytes() + (kernel_boot->ram_max - ram_size);
}

uint64_t frame_used_bytes(void)
{
	return used_pages * PAGE_SIZE;
}

uint8_t frame_tag(const void *p)
{
	return frames[kva_gpa(p).v / PAGE_SIZE].tag;
}

void frame_set_tag(const void *p, uint8_t tag)
{
	frames[kva_gpa(p).v / PAGE_SIZE].tag = tag;
}
