/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Areas of the program's address space, in one sorted array. This file owns
 * the array, finds room, splits and merges; core/commit.c gives areas their
 * memory and takes it back. Every public call leaves the map as it was when
 * it fails, except that memory of a MAP_FIXED target is gone, as on Linux.
 */
#include "core/mm.h"

#include "core/alloc.h"
#include "core/commit.h"
#include "core/park.h"
#include "core/random.h"

#define MM_AREAS_MAX 65536 /* as vm.max_map_count, rounded */
#define LAZY_MIN     (1ull << 20)

static struct vma **areas;
static size_t area_count, area_room;
static uint64_t map_top; /* mappings are placed downwards from here */
static uint64_t brk_start, brk_end;

void mm_init(void)
{
	uint64_t slide;

	random_fill(&slide, sizeof(slide));
	/* 2 MiB steps over 8 GiB: enough to vary, dense in page tables. */
	map_top = MF_USER_VA_MAX - (4ull << 30) - (slide % 4096) * MF_HUGE_SIZE;
	area_room = 64;
	areas = kzalloc(area_room * sizeof(*areas));
	if (!areas)
		kpanic("no memory for the area table");
}

/* Index of the first area that ends above addr. */
static size_t area_index(uint64_t addr)
{
	size_t lo = 0, hi = area_count;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (areas[mid]->end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct vma *mm_find(uint64_t addr)
{
	size_t i = area_index(addr);

	return i < area_count ? areas[i] : NULL;
}

const struct vma *mm_area(size_t index)
{
	return index < area_count ? areas[index] : NULL;
}

static int area_insert(struct vma *v)
{
	size_t i = area_index(v->start);

	if (area_count == MM_AREAS_MAX)
		return -ENOMEM;
	if (area_count == area_room) {
		struct vma **n = krealloc(areas, area_room * sizeof(*areas),
					  area_room * 2 * sizeof(*areas));
		if (!n)
			return -ENOMEM;
		areas = n;
		area_room *= 2;
	}
	memmove(&areas[i + 1], &areas[i], (area_count - i) * sizeof(*areas));
	areas[i] = v;
	area_count++;
	return 0;
}

static void area_remove(size_t i)
{
	struct vma *v = areas[i];

	area_count--;
	memmove(&areas[i], &areas[i + 1], (area_count - i) * sizeof(*areas));
	if (v->file)
		file_unref(v->file);
	kfree(v);
}

static struct vma *area_new(const struct vma *like)
{
	struct vma *v = kzalloc(sizeof(*v));

	if (!v)
		return NULL;
	*v = *like;
	if (v->file)
		file_ref(v->file);
	return v;
}

/* Cuts the area at `at`, if one spans it, so that areas begin there. */
static int area_cut(uint64_t at)
{
	size_t i = area_index(at);
	struct vma *low, *high;
	int err;

	if (i == area_count || areas[i]->start >= at)
		return 0;
	low = areas[i];
	high = area_new(low);
	if (!high)
		return -ENOMEM;
	high->start = at;
	high->off += at - low->start;
	low->end = at;
	err = area_insert(high);
	if (!err)
		return 0;
	low->end = high->end;
	if (high->file)
		file_unref(high->file);
	kfree(high);
	return err;
}

static bool can_merge(const struct vma *a, const struct vma *b)
{
	return a->end == b->start && a->prot == b->prot &&
	       a->flags == b->flags && a->file == b->file &&
	       (!a->file || a->off + (a->end - a->start) == b->off);
}

/* Joins neighbours around [start, end] that became alike. */
static void areas_merge(uint64_t start, uint64_t end)
{
	size_t i = area_index(start ? start - 1 : 0);

	while (i + 1 < area_count && areas[i]->start <= end) {
		struct vma *a = areas[i], *b = areas[i + 1];

		if (!can_merge(a, b)) {
			i++;
			continue;
		}
		a->end = b->end;
		area_remove(i + 1);
	}
}

static bool range_ok(uint64_t addr, uint64_t len)
{
	return len && addr >= MF_USER_VA_MIN && addr < MF_USER_VA_MAX &&
	       len <= MF_USER_VA_MAX - addr;
}

static bool range_free(uint64_t addr, uint64_t len)
{
	const struct vma *v = mm_find(addr);

	return range_ok(addr, len) && (!v || v->start >= addr + len);
}

/* Room for len bytes, searched downwards from the top; 0 if there is none. */
static uint64_t find_room(uint64_t len)
{
	uint64_t align = len >= MF_HUGE_SIZE ? MF_HUGE_SIZE : PAGE_SIZE;
	uint64_t top = map_top;
	size_t i = area_index(map_top);

	for (;;) {
		uint64_t floor = i ? areas[i - 1]->end : MF_USER_VA_MIN;
		uint64_t at;

		if (top > len) {
			at = ALIGN_DOWN(top - len, align);
			if (at >= floor && at >= MF_USER_VA_MIN &&
			    at + len <= top)
				return at;
		}
		if (!i)
			return 0;
		i--;
		top = min_u64(top, areas[i]->start);
	}
}

/* The only area in the range, small and of a kind that can wait. */
static bool park_only_area(size_t i, uint64_t end)
{
	if (i == area_count || areas[i]->start >= end ||
	    (i + 1 < area_count && areas[i + 1]->start < end) ||
	    !park_area(areas[i]))
		return false;
	area_remove(i);
	return true;
}

int mm_unmap(uint64_t addr, uint64_t len)
{
	uint64_t end;
	size_t i;
	int err;

	len = ALIGN_UP(len, PAGE_SIZE);
	if (addr % PAGE_SIZE || !len || addr >= MF_USER_VA_MAX ||
	    len > MF_USER_VA_MAX - addr)
		return -EINVAL;
	end = addr + len;
	err = area_cut(addr);
	if (!err)
		err = area_cut(end);
	if (err)
		return err;
	i = area_index(addr);
	if (park_only_area(i, end))
		return 0;
	while (i < area_count && areas[i]->start < end) {
		err = commit_release(areas[i]->start, areas[i]->end);
		if (err)
			break;
		area_remove(i);
	}
	commit_finish();
	return err;
}

static int64_t choose_address(const struct mmap_request *req, uint64_t len)
{
	uint64_t at;
	int err;

	if (req->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (req->addr % PAGE_SIZE)
			return -EINVAL;
		if (!range_ok(req->addr, len))
			return req->addr < MF_USER_VA_MIN ? -EPERM : -ENOMEM;
		if (req->flags & MAP_FIXED_NOREPLACE)
			return range_free(req->addr, len) ? (int64_t)req->addr :
							    -EEXIST;
		err = mm_unmap(req->addr, len);
		return err ? err : (int64_t)req->addr;
	}
	at = ALIGN_DOWN(req->addr, PAGE_SIZE);
	if (at && range_free(at, len))
		return (int64_t)at;
	at = find_room(len);
	return at ? (int64_t)at : -ENOMEM;
}

/*
 * Most of a large stack is never used. 1 MiB and more is worth the faults
 * of those that are.
 */
static uint32_t area_flags(const struct mmap_request *req)
{
	uint32_t kept = MAP_TYPE | MAP_ANONYMOUS | VMA_STACK | VMA_HEAP;
	uint32_t lazy = MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK;

	if ((req->flags & (MAP_TYPE | MAP_ANONYMOUS | MAP_STACK)) == lazy &&
	    req->len >= LAZY_MIN)
		return (req->flags & kept) | VMA_LAZY;
	return req->flags & kept;
}

int64_t mm_map(const struct mmap_request *req)
{
	uint64_t len = ALIGN_UP(req->len, PAGE_SIZE);
	struct vma like = {
		.prot = req->prot & (PROT_READ | PROT_WRITE | PROT_EXEC),
		.flags = area_flags(req),
		.file = req->file,
		.off = req->file ? req->off : 0,
	};
	struct vma *v;
	int64_t at;
	int err;

	if (!len || len > MF_USER_VA_MAX)
		return req->len ? -ENOMEM : -EINVAL;
	if (!mm_may_map(req, len))
		return -ENOMEM;
	at = choose_address(req, len);
	if (at < 0)
		return at;
	like.start = (uint64_t)at;
	like.end = like.start + len;
	v = area_new(&like);
	if (!v)
		return -ENOMEM;
	err = area_insert(v);
	if (err) {
		if (v->file)
			file_unref(v->file);
		kfree(v);
		return err;
	}
	err = commit_area(v, v->start, v->end);
	if (err) {
		mm_unmap(like.start, len);
		return err;
	}
	if (!v->file)
		areas_merge(like.start, like.end);
	return at;
}

/* Where the areas that begin at addr without a hole end, at most `end`. */
static uint64_t mapped_until(uint64_t addr, uint64_t end)
{
	size_t i = area_index(addr);

	while (addr < end && i < area_count && areas[i]->start <= addr)
		addr = areas[i++]->end;
	return min_u64(addr, end);
}

static int protect_area(struct vma *v, uint32_t prot)
{
	uint32_t old = v->prot;
	int err;

	if (old == prot)
		return 0;
	if ((v->flags & MAP_TYPE) == MAP_SHARED && v->file &&
	    (prot & PROT_WRITE) && (v->file->flags & 3) != 2 /* O_RDWR */)
		return -EACCES;
	if ((prot & PROT_WRITE) && !mm_may_write(v))
		return -ENOMEM;
	v->prot = prot;
	err = commit_protect(v);
	if (err)
		v->prot = old;
	return err;
}

/* As Linux: a hole ends the call, what lies before it has changed. */
int mm_protect(uint64_t addr, uint64_t len, uint32_t prot)
{
	uint64_t end, stop;
	int err;

	len = ALIGN_UP(len, PAGE_SIZE);
	if (addr % PAGE_SIZE || (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC)))
		return -EINVAL;
	if (!len)
		return 0;
	if (!range_ok(addr, len))
		return -ENOMEM;
	end = addr + len;
	stop = mapped_until(addr, end);
	if (stop == addr)
		return -ENOMEM;
	err = area_cut(addr);
	if (!err)
		err = area_cut(stop);
	for (size_t i = area_index(addr);
	     !err && i < area_count && areas[i]->start < stop; i++)
		err = protect_area(areas[i], prot);
	commit_finish();
	areas_merge(addr, stop);
	return err ? err : stop < end ? -ENOMEM : 0;
}

static int advise_area(struct vma *v, uint64_t start, uint64_t end, int advice)
{
	bool private = (v->flags & MAP_TYPE) == MAP_PRIVATE;

	start = max_u64(v->start, start);
	end = min_u64(v->end, end);
	switch (advice) {
	case MADV_FREE:
		return v->file || !private ? -EINVAL :
					     commit_discard(v, start, end);
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
		return commit_discard(v, start, end);
	case MADV_REMOVE:
		return private ? (v->file ? -EACCES : -EINVAL) :
		       v->file ? mm_file_remove(v, start, end) :
				 commit_clear(start, end);
	default:
		return 0;
	}
}

/* A copy of a snapshot is a child in all but name. */
static int set_wipe(uint64_t addr, uint64_t end, bool wipe)
{
	int err = area_cut(addr);

	if (!err)
		err = area_cut(end);
	for (size_t i = area_index(addr);
	     !err && i < area_count && areas[i]->start < end; i++) {
		struct vma *v = areas[i];

		if (wipe && (v->file || (v->flags & MAP_TYPE) != MAP_PRIVATE))
			err = -EINVAL;
		else if (wipe)
			v->flags |= VMA_WIPE;
		else
			v->flags &= ~VMA_WIPE;
	}
	areas_merge(addr, end);
	return err;
}

void mm_wipe(void)
{
	for (size_t i = 0; i < area_count; i++)
		if (areas[i]->flags & VMA_WIPE)
			commit_discard(areas[i], areas[i]->start,
				       areas[i]->end);
	commit_finish();
}

int mm_advise(uint64_t addr, uint64_t len, int advice)
{
	uint64_t end;
	int err = 0;

	len = ALIGN_UP(len, PAGE_SIZE);
	if (addr % PAGE_SIZE)
		return -EINVAL;
	if (!len)
		return 0;
	if (!range_ok(addr, len))
		return -ENOMEM;
	end = addr + len;
	if (advice == MADV_WIPEONFORK || advice == MADV_KEEPONFORK)
		err = set_wipe(addr, end, advice == MADV_WIPEONFORK);
	for (size_t i = area_index(addr);
	     !err && i < area_count && areas[i]->start < end; i++)
		err = advise_area(areas[i], addr, end, advice);
	commit_finish();
	if (err)
		return err;
	return mapped_until(addr, end) == end ? 0 : -ENOMEM;
}

/*
 * Moves the single area [v->start, v->start + old_len). With `keep` the old
 * place stays mapped, without memory.
 */
static int64_t remap_move(struct vma *v, uint64_t old_len, uint64_t new_len,
			  uint64_t to, bool keep)
{
	struct vma like = *v;
	uint64_t from = v->start;
	uint64_t moved = min_u64(old_len, new_len);
	struct vma *n;
	int err;

	like.start = to;
	like.end = to + new_len;
	n = area_new(&like);
	if (!n)
		return -ENOMEM;
	err = area_insert(n);
	if (err) {
		if (n->file)
			file_unref(n->file);
		kfree(n);
		return err;
	}
	err = commit_move(from, to, moved);
	if (!err)
		err = commit_area(n, n->start, n->end);
	if (!err && keep)
		err = commit_area(v, v->start, v->end);
	if (err) {
		commit_release(from, from + moved);
		commit_move(to, from, moved);
		mm_unmap(to, new_len);
		return err;
	}
	if (!keep)
		err = mm_unmap(from, old_len);
	areas_merge(to, to + new_len);
	return err ? err : (int64_t)to;
}

static int64_t remap_grow(struct vma *v, uint64_t old_len, uint64_t new_len,
			  uint32_t flags)
{
	uint64_t addr = v->start;
	uint64_t old_end = addr + old_len;
	uint64_t room;
	int err;

	if (!mm_may_grow(v, new_len - old_len))
		return -ENOMEM;
	if (range_free(old_end, new_len - old_len)) {
		v->end = addr + new_len;
		err = commit_area(v, old_end, v->end);
		if (!err)
			return (int64_t)addr;
		commit_release(old_end, v->end);
		commit_finish();
		v->end = old_end;
		return err;
	}
	if (!(flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	room = find_room(new_len);
	if (!room)
		return -ENOMEM;
	return remap_move(v, old_len, new_len, room, false);
}

/* The area of exactly [addr, addr + len), cut out of a larger one. */
static int area_isolate(uint64_t addr, uint64_t len, struct vma **ret)
{
	size_t i = area_index(addr);
	int err;

	if (areas[i]->end - addr < len)
		return -EFAULT;
	/* Duplicating shared memory, with length 0, does not exist here. */
	if (!len)
		return -EINVAL;
	err = area_cut(addr);
	if (!err)
		err = area_cut(addr + len);
	*ret = areas[area_index(addr)];
	return err;
}

/* MREMAP_FIXED, MREMAP_DONTUNMAP or both. */
static int64_t remap_to(uint64_t addr, uint64_t old_len, uint64_t new_len,
			uint32_t flags, uint64_t to)
{
	struct vma *v = NULL;
	int err = 0;

	if (to % PAGE_SIZE || to >= MF_USER_VA_MAX ||
	    new_len > MF_USER_VA_MAX - to ||
	    (to < addr + old_len && addr < to + new_len))
		return -EINVAL;
	if (flags & MREMAP_FIXED) {
		if (to < MF_USER_VA_MIN)
			return -EPERM;
		err = mm_unmap(to, new_len);
		if (!err && new_len < old_len) {
			err = mm_unmap(addr + new_len, old_len - new_len);
			old_len = new_len;
		}
	} else {
		to = find_room(new_len);
	}
	if (!err)
		err = area_isolate(addr, old_len, &v);
	if (err)
		return err;
	if (!to ||
	    !mm_may_grow(v, flags & MREMAP_DONTUNMAP ? new_len :
						       new_len - old_len))
		return -ENOMEM;
	return remap_move(v, old_len, new_len, to, flags & MREMAP_DONTUNMAP);
}

/* What Linux looks at before the addresses. */
static bool remap_flags_ok(uint64_t old_len, uint64_t new_len, uint32_t flags)
{
	if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
		return false;
	if ((flags & ~MREMAP_MAYMOVE) && !(flags & MREMAP_MAYMOVE))
		return false;
	return !(flags & MREMAP_DONTUNMAP) || old_len == new_len;
}

int64_t mm_remap(uint64_t addr, uint64_t old_len, uint64_t new_len,
		 uint32_t flags, uint64_t new_addr)
{
	const struct vma *at;
	struct vma *v;
	int64_t ret;

	if (!remap_flags_ok(old_len, new_len, flags) || addr % PAGE_SIZE)
		return -EINVAL;
	old_len = ALIGN_UP(old_len, PAGE_SIZE);
	new_len = ALIGN_UP(new_len, PAGE_SIZE);
	if (!new_len)
		return -EINVAL;
	at = mm_find(addr);
	if (!at || at->start > addr)
		return -EFAULT;
	if (old_len > MF_USER_VA_MAX - addr || new_len > MF_USER_VA_MAX)
		return -EINVAL;
	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		return remap_to(addr, old_len, new_len, flags, new_addr);
	if (new_len < old_len) {
		ret = mm_unmap(addr + new_len, old_len - new_len);
		return ret ? ret : (int64_t)addr;
	}
	if (new_len == old_len)
		return (int64_t)addr;
	ret = area_isolate(addr, old_len, &v);
	if (!ret)
		ret = remap_grow(v, old_len, new_len, flags);
	areas_merge(addr, addr + new_len);
	return ret;
}

void mm_set_brk(uint64_t start)
{
	brk_start = ALIGN_UP(start, PAGE_SIZE);
	brk_end = brk_start;
}

uint64_t mm_brk(uint64_t want)
{
	uint64_t old = ALIGN_UP(brk_end, PAGE_SIZE);
	uint64_t top = ALIGN_UP(want, PAGE_SIZE);

	if (want < brk_start || top < want)
		return brk_end;
	if (top > old) {
		struct mmap_request req = {
			.addr = old,
			.len = top - old,
			.prot = PROT_READ | PROT_WRITE,
			.flags = MAP_PRIVATE | MAP_ANONYMOUS |
				 MAP_FIXED_NOREPLACE | VMA_HEAP,
		};
		if (mm_map(&req) < 0)
			return brk_end;
	} else if (top < old && mm_unmap(top, old - top) < 0) {
		return brk_end;
	}
	brk_end = want;
	return brk_end;
}
