/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of the program's addresses against its areas. Everything accessible
 * is mapped, so a checked range cannot fault; only a file mapping beyond the
 * file's end is an area without memory, and is looked up page by page. A
 * lazy area gets the memory it lacks.
 */
#include "core/uaccess.h"

#include "core/mm.h"

#define PROT_ANY (PROT_READ | PROT_WRITE | PROT_EXEC)

/* Whether every page of a file's or lazy area's range really has memory. */
static bool all_mapped(uint64_t at, uint64_t end)
{
	struct arch_leaf leaf;

	for (; at < end; at = leaf.va + leaf.size) {
		arch_mmu_lookup(at, &leaf);
		if (!leaf.present)
			return false;
	}
	return true;
}

static bool user_can(uint64_t addr, uint64_t len, uint32_t prot)
{
	uint64_t end = addr + len;

	if (!len)
		return true;
	if (addr < MF_USER_VA_MIN || end < addr || end > MF_USER_VA_MAX)
		return false;
	while (addr < end) {
		const struct vma *v = mm_find(addr);
		uint64_t stop;

		if (!v || v->start > addr || !(v->prot & prot))
			return false;
		stop = min_u64(v->end, end);
		if ((v->flags & VMA_LAZY) && !all_mapped(addr, stop) &&
		    mm_touch(v, addr))
			return false;
		if (v->file && !all_mapped(addr, stop))
			return false;
		addr = stop;
	}
	return true;
}

bool user_can_read(uint64_t addr, uint64_t len)
{
	return user_can(addr, len, PROT_ANY);
}

bool user_can_write(uint64_t addr, uint64_t len)
{
	return user_can(addr, len, PROT_WRITE);
}

int copy_from_user(void *dst, uint64_t src, size_t len)
{
	if (!user_can_read(src, len))
		return -EFAULT;
	memcpy(dst, (const void *)(uintptr_t)src, len);
	return 0;
}

int copy_to_user(uint64_t dst, const void *src, size_t len)
{
	if (!user_can_write(dst, len))
		return -EFAULT;
	memcpy((void *)(uintptr_t)dst, src, len);
	return 0;
}

long strncpy_from_user(char *dst, uint64_t src, size_t size)
{
	size_t done = 0;

	while (done < size) {
		uint64_t at = src + done;
		size_t room = min_u64(size - done, PAGE_SIZE - at % PAGE_SIZE);
		const char *s = (const char *)(uintptr_t)at;

		if (!user_can_read(at, 1))
			return -EFAULT;
		for (size_t i = 0; i < room; i++) {
			dst[done + i] = s[i];
			if (!s[i])
				return (long)(done + i);
		}
		done += room;
	}
	return -ENAMETOOLONG;
}

int iov_iter_init_single(struct iov_iter *it, uint64_t base, uint64_t len,
			 bool write)
{
	len = min_u64(len, 0x7ffff000u); /* MAX_RW_COUNT of Linux */
	if (write ? !user_can_write(base, len) : !user_can_read(base, len))
		return -EFAULT;
	iov_iter_init_kernel(it, (void *)(uintptr_t)base, len);
	it->prot = write ? PROT_WRITE : PROT_ANY;
	it->epoch = mm_epoch;
	return 0;
}

int iov_iter_init_user(struct iov_iter *it, uint64_t uiov, uint32_t count,
		       struct kiovec *store, bool write)
{
	uint64_t total = 0;

	if (count > IOV_COUNT_MAX)
		return -EINVAL;
	if (copy_from_user(store, uiov, count * sizeof(*store)) < 0)
		return -EFAULT;
	for (uint32_t i = 0; i < count; i++) {
		if ((int64_t)store[i].len < 0)
			return -EINVAL;
		store[i].len = min_u64(store[i].len, 0x7ffff000u - total);
		total += store[i].len;
		if (write ? !user_can_write(store[i].base, store[i].len) :
			    !user_can_read(store[i].base, store[i].len))
			return -EFAULT;
	}
	*it = (struct iov_iter){ .iov = store,
				 .iov_count = count,
				 .left = total,
				 .epoch = mm_epoch,
				 .prot = write ? PROT_WRITE : PROT_ANY };
	return 0;
}

uint64_t user_usable_len(uint64_t addr, uint64_t len, bool write)
{
	uint64_t good = 0, bad = len + 1;

	while (bad - good > 1) {
		uint64_t mid = good + (bad - good) / 2;

		if (write ? user_can_write(addr, mid) :
			    user_can_read(addr, mid))
			good = mid;
		else
			bad = mid;
	}
	return good;
}

int iov_iter_cut_single(struct iov_iter *it, uint64_t base, uint64_t len,
			bool write)
{
	int rc = iov_iter_init_single(it, base, len, write);

	if (rc != -EFAULT)
		return rc;
	len = user_usable_len(base, min_u64(len, 0x7ffff000u), write);
	if (!len)
		return -EFAULT;
	return iov_iter_init_single(it, base, len, write);
}

int iov_iter_cut_user(struct iov_iter *it, uint64_t uiov, uint32_t count,
		      struct kiovec *store, bool write)
{
	int rc = iov_iter_init_user(it, uiov, count, store, write);
	uint64_t total = 0;
	uint32_t i;

	if (rc != -EFAULT ||
	    copy_from_user(store, uiov, count * sizeof(*store)) < 0)
		return rc;
	for (i = 0; i < count; i++) {
		uint64_t want = min_u64(store[i].len, 0x7ffff000u - total);

		store[i].len = user_usable_len(store[i].base, want, write);
		total += store[i].len;
		if (store[i].len < want)
			break;
	}
	if (!total)
		return -EFAULT;
	*it = (struct iov_iter){ .iov = store,
				 .iov_count = i + 1,
				 .left = total,
				 .epoch = mm_epoch,
				 .prot = write ? PROT_WRITE : PROT_ANY };
	return 0;
}

void iov_iter_init_kernel(struct iov_iter *it, void *base, uint64_t len)
{
	*it = (struct iov_iter){
		.iov_count = 1,
		.left = len,
		.single = { (uint64_t)(uintptr_t)base, len },
	};
	it->iov = NULL;
}

/* The next contiguous piece, at most len bytes; 0 at the end. */
static size_t iov_piece(struct iov_iter *it, size_t len, char **ret)
{
	const struct kiovec *v = it->iov ? it->iov : &it->single;
	size_t n;

	while (it->iov_count && it->skip == v->len) {
		it->iov_count--;
		it->skip = 0;
		if (it->iov)
			v = ++it->iov;
	}
	if (!it->iov_count || !it->left)
		return 0;
	n = min_u64(min_u64(v->len - it->skip, len), it->left);
	if (it->prot && it->epoch != mm_epoch)
		n = user_usable_len(v->base + it->skip, n,
				    it->prot == PROT_WRITE);
	if (!n) {
		it->faulted = true;
		it->left = 0;
		return 0;
	}
	*ret = (char *)(uintptr_t)(v->base + it->skip);
	it->moved = true;
	it->skip += n;
	it->left -= n;
	return n;
}

size_t iov_copy_out(struct iov_iter *it, const void *src, size_t len)
{
	size_t done = 0, n;
	char *at;

	while (done < len && (n = iov_piece(it, len - done, &at))) {
		memcpy(at, (const char *)src + done, n);
		done += n;
	}
	return done;
}

size_t iov_copy_in(struct iov_iter *it, void *dst, size_t len)
{
	size_t done = 0, n;
	char *at;

	while (done < len && (n = iov_piece(it, len - done, &at))) {
		memcpy((char *)dst + done, at, n);
		done += n;
	}
	return done;
}

size_t iov_zero_out(struct iov_iter *it, size_t len)
{
	size_t done = 0, n;
	char *at;

	while (done < len && (n = iov_piece(it, len - done, &at))) {
		memset(at, 0, n);
		done += n;
	}
	return done;
}

long iov_result(const struct iov_iter *it, long n)
{
	return n >= 0 && it->faulted && !it->moved ? -EFAULT : n;
}
