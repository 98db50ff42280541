/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory behind areas. Three kinds of leaf exist: frames the area owns
 * (anonymous memory and private copies of file pages), frames of a file (one
 * reference each) and pages of the image (MF_IMAGE_GPA and up, never freed).
 * A private area shows the file's own memory until it becomes writable.
 * Freed frames wait in `freed` until the TLB is flushed.
 */
#include "core/commit.h"

#include "core/frame.h"
#include "core/park.h"
#include "core/reclaim.h"

#define FREED_MAX  256
#define LAZY_CHUNK (128ull << 10) /* enough for most stacks */

static struct {
	gpa_t gpa;
	uint64_t len;
	bool dirty;
} freed[FREED_MAX];
static unsigned freed_count;

uint64_t mm_epoch;

/* Nothing allocates between the two: the frames are not in use yet. */
void commit_finish(void)
{
	if (arch_mmu_flush_due())
		park_unmap();
	for (unsigned i = 0; i < freed_count; i++)
		frame_unref_range(freed[i].gpa, freed[i].len, freed[i].dirty);
	freed_count = 0;
	reclaim_flush();
}

void commit_settle(void)
{
	park_unmap();
	commit_finish();
}

static void free_later(gpa_t gpa, uint64_t len, bool dirty)
{
	if (gpa.v >= MF_IMAGE_GPA)
		return;
	if (freed_count && freed[freed_count - 1].dirty == dirty) {
		unsigned last = freed_count - 1;

		if (freed[last].gpa.v + freed[last].len == gpa.v) {
			freed[last].len += len;
			return;
		}
		if (gpa.v + len == freed[last].gpa.v) {
			freed[last].gpa = gpa;
			freed[last].len += len;
			return;
		}
	}
	if (freed_count == FREED_MAX)
		commit_finish();
	freed[freed_count].gpa = gpa;
	freed[freed_count].len = len;
	freed[freed_count].dirty = dirty;
	freed_count++;
}

/* Said once: a program often dies of it later without naming the cause. */
static int exhausted(uint64_t len)
{
	static bool said;

	if (!said)
		klog("memory exhausted: %lu KiB more do not fit, %lu KiB of "
		     "%lu KiB are in use (raise --memory); the program gets "
		     "ENOMEM",
		     len >> 10, frame_used_bytes() >> 10,
		     kernel_boot->ram_max >> 10);
	said = true;
	return -ENOMEM;
}

/* One piece of [va, va + len): huge pages, or what lies before them. */
static uint64_t piece_pages(uint64_t va, uint64_t len)
{
	uint64_t to_huge = ALIGN_UP(va, MF_HUGE_SIZE) - va;
	uint64_t max = PAGE_SIZE << FRAME_ORDER_MAX;

	if (len < MF_HUGE_SIZE || len - to_huge < MF_HUGE_SIZE)
		return min_u64(len, max) / PAGE_SIZE;
	if (to_huge)
		return to_huge / PAGE_SIZE;
	return min_u64(ALIGN_DOWN(len, MF_HUGE_SIZE), max) / PAGE_SIZE;
}

/* Zeroed frames for [va, va + len), in as few pieces as possible. */
static int commit_anon(uint64_t va, uint64_t len, uint32_t prot)
{
	while (len) {
		uint64_t count;
		gpa_t g = frame_alloc_run(piece_pages(va, len), &count);
		int err;

		if (!g.v)
			return exhausted(len);
		err = arch_mmu_map(va, g, count * PAGE_SIZE, prot);
		if (err) {
			frame_unref_range(g, count * PAGE_SIZE, false);
			return err;
		}
		va += count * PAGE_SIZE;
		len -= count * PAGE_SIZE;
	}
	return 0;
}

/* Where the kernel reads what an extent names. */
static const void *extent_bytes(const struct map_extent *e)
{
	if (e->gpa.v >= MF_IMAGE_GPA)
		return (const void *)(uintptr_t)(MF_IMAGE_VA + e->gpa.v -
						 MF_IMAGE_GPA);
	return gpa_kva(e->gpa);
}

/*
 * A private copy of a run of file memory, in place of what is mapped there.
 * When it fails, a part may be copied; nothing is lost.
 */
static int commit_copy(uint64_t va, const struct map_extent *from,
		       uint32_t prot)
{
	const char *bytes = extent_bytes(from);
	uint64_t len = from->len;

	while (len) {
		uint64_t count, size;
		gpa_t g = frame_alloc_run(piece_pages(va, len), &count);
		int err;

		if (!g.v)
			return exhausted(len);
		size = count * PAGE_SIZE;
		memcpy(gpa_kva(g), bytes, size);
		err = arch_mmu_unmap(va, size, free_later);
		if (!err)
			err = arch_mmu_map(va, g, size, prot | ARCH_DIRTY);
		if (err) {
			frame_unref_range(g, size, true);
			return err;
		}
		va += size;
		bytes += size;
		len -= size;
	}
	return 0;
}

/* Maps the file's own memory: the image, or frames with a reference. */
static int commit_shared(uint64_t va, const struct map_extent *from,
			 uint32_t prot)
{
	int err = arch_mmu_map(va, from->gpa, from->len, prot | ARCH_DIRTY);

	if (err || from->gpa.v >= MF_IMAGE_GPA)
		return err;
	for (uint64_t off = 0; off < from->len; off += PAGE_SIZE)
		frame_ref((gpa_t){ from->gpa.v + off });
	return 0;
}

static int commit_file(struct vma *v, uint64_t va, uint64_t len)
{
	bool shared = (v->flags & MAP_TYPE) != MAP_PRIVATE;

	while (len) {
		struct map_extent e = { { 0 }, 0 };
		uint64_t off = v->off + (va - v->start);
		int err = v->file->ops->extent(v->file, off, len, shared, &e);

		/* Past the end of the file: nothing there, SIGBUS. */
		if (err == -ENXIO)
			return 0;
		if (err)
			return err;
		e.len = min_u64(e.len, len);
		if (!e.gpa.v)
			err = commit_anon(va, e.len, v->prot);
		else if (shared || !(v->prot & PROT_WRITE))
			err = commit_shared(va, &e, v->prot);
		else
			err = commit_copy(va, &e, v->prot);
		if (err)
			return err;
		va += e.len;
		len -= e.len;
	}
	return 0;
}

/* Whether what an anonymous area lacks can be had: all of it or nothing. */
static int check_room(const struct vma *v, uint64_t start, uint64_t end)
{
	uint64_t missing = 0;
	struct arch_leaf leaf;

	if (v->file || !v->prot)
		return 0;
	for (uint64_t va = start; va < end; va = leaf.va + leaf.size) {
		arch_mmu_lookup(va, &leaf);
		if (!leaf.present)
			missing += min_u64(leaf.va + leaf.size, end) - va;
	}
	return missing <= frame_available_bytes() ? 0 : exhausted(missing);
}

/* Maps what is not mapped yet, all of the range. */
static int commit_holes(struct vma *v, uint64_t start, uint64_t end)
{
	uint64_t va = start;
	int err = check_room(v, start, end);

	if (!v->prot || err)
		return err;
	while (va < end) {
		struct arch_leaf leaf;
		uint64_t hole = va;

		arch_mmu_lookup(va, &leaf);
		while (!leaf.present && leaf.va + leaf.size < end)
			arch_mmu_lookup(leaf.va + leaf.size, &leaf);
		va = leaf.present ? leaf.va : end;
		if (va > hole) {
			err = v->file ? commit_file(v, hole, va - hole) :
					commit_anon(hole, va - hole, v->prot);
			if (err)
				return err;
		}
		if (leaf.present)
			va = leaf.va + leaf.size;
	}
	return 0;
}

/* What lies below is left to mm_touch. */
static uint64_t lazy_start(const struct vma *v, uint64_t start, uint64_t end)
{
	if (!(v->flags & VMA_LAZY) || end - start < LAZY_CHUNK)
		return start;
	return end - LAZY_CHUNK;
}

int commit_area(struct vma *v, uint64_t start, uint64_t end)
{
	int err = park_reuse(v, start, end);

	return err ? err : commit_holes(v, lazy_start(v, start, end), end);
}

/* Each time twice as much as there is: the stack seems to be deep. */
int mm_touch(const struct vma *v, uint64_t addr)
{
	struct vma copy = *v;
	uint64_t more = max_u64(LAZY_CHUNK, v->end - addr);
	uint64_t start = v->start;
	struct arch_leaf leaf = { .va = ALIGN_DOWN(addr, PAGE_SIZE) };

	if (leaf.va - start > more)
		start = ALIGN_DOWN(leaf.va - more, PAGE_SIZE);
	do
		arch_mmu_lookup(leaf.va + leaf.size, &leaf);
	while (!leaf.present && leaf.va + leaf.size < v->end);
	return commit_holes(&copy, start,
			    leaf.present ? min_u64(leaf.va, v->end) : v->end);
}

/* Whether a page of a private area is not the area's own. */
static bool is_files(gpa_t gpa)
{
	return gpa.v >= MF_IMAGE_GPA || frame_is_shared(gpa);
}

/* The next run of the file's pages in [*va, end), contiguous; len 0: none. */
static struct map_extent next_file_run(uint64_t *va, uint64_t end)
{
	struct map_extent run = { { 0 }, 0 };
	struct arch_leaf leaf;
	uint64_t at = *va;

	for (; at < end; at = leaf.va + leaf.size) {
		uint64_t gpa;

		arch_mmu_lookup(at, &leaf);
		gpa = leaf.gpa.v + (at - leaf.va);
		if (!leaf.present || !is_files(leaf.gpa)) {
			if (run.len)
				break;
			continue;
		}
		if (run.len && run.gpa.v + run.len != gpa)
			break;
		if (!run.len) {
			*va = at;
			run.gpa.v = gpa;
		}
		run.len += min_u64(leaf.va + leaf.size, end) - at;
	}
	return run;
}

/* Pages of the file that become writable are replaced by copies. */
static int own_file_pages(const struct vma *v)
{
	uint64_t va = v->start;
	struct map_extent run;
	int err = 0;

	while (!err && (run = next_file_run(&va, v->end)).len) {
		err = commit_copy(va, &run, v->prot);
		va += run.len;
	}
	return err;
}

int commit_protect(struct vma *v)
{
	int err = check_room(v, lazy_start(v, v->start, v->end), v->end);

	if (err)
		return err;
	mm_epoch++;
	if ((v->prot & PROT_WRITE) && v->file &&
	    (v->flags & MAP_TYPE) == MAP_PRIVATE) {
		err = own_file_pages(v);
		if (err)
			return err;
	}
	err = arch_mmu_protect(v->start, v->end - v->start, v->prot);
	if (err)
		return err;
	return commit_area(v, v->start, v->end);
}

int commit_release(uint64_t start, uint64_t end)
{
	mm_epoch++;
	return arch_mmu_unmap(start, end - start, free_later);
}

static struct map_extent clear_run; /* found, not yet cleared */

static void clear_found(gpa_t gpa, uint64_t len, bool dirty)
{
	struct map_extent *run = &clear_run;

	(void)dirty;
	if (run->len && run->gpa.v + run->len == gpa.v) {
		run->len += len;
		return;
	}
	if (run->len)
		reclaim_zero(run->gpa, run->len);
	*run = (struct map_extent){ gpa, len };
}

int commit_clear(uint64_t start, uint64_t end)
{
	arch_mmu_dirty(start, end - start, clear_found);
	if (clear_run.len)
		reclaim_zero(clear_run.gpa, clear_run.len);
	clear_run.len = 0;
	return 0;
}

int commit_discard(struct vma *v, uint64_t start, uint64_t end)
{
	int err;

	if ((v->flags & MAP_TYPE) != MAP_PRIVATE)
		return 0;
	if (!v->file)
		return commit_clear(start, end);
	err = commit_release(start, end);
	if (err)
		return err;
	commit_finish();
	return commit_area(v, start, end);
}

int commit_move(uint64_t from, uint64_t to, uint64_t len)
{
	uint64_t va = from;
	int err = park_reuse(NULL, to, to + len);

	while (!err && va < from + len) {
		struct arch_leaf leaf;
		uint64_t lo, hi;

		arch_mmu_lookup(va, &leaf);
		lo = max_u64(leaf.va, from);
		hi = min_u64(leaf.va + leaf.size, from + len);
		if (leaf.present) {
			err = arch_mmu_unmap(lo, hi - lo, NULL);
			if (!err)
				err = arch_mmu_map(
					to + (lo - from),
					(gpa_t){ leaf.gpa.v + (lo - leaf.va) },
					hi - lo,
					leaf.prot |
						(leaf.dirty ? ARCH_DIRTY : 0u));
		}
		va = leaf.va + leaf.size;
	}
	arch_mmu_flush();
	return err;
}
