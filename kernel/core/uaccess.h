/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's memory. Program and kernel share an address space: after a
 * range has been checked it may be used directly until the next sleep.
 */
#ifndef KERNEL_CORE_UACCESS_H
#define KERNEL_CORE_UACCESS_H

#include "core/kernel.h"

#define IOV_COUNT_MAX 1024

/* True if every byte is mapped readable (writable); len 0 is true. */
bool user_can_read(uint64_t addr, uint64_t len);
bool user_can_write(uint64_t addr, uint64_t len);

/* How many bytes from addr on, at most len, are mapped readable (writable). */
uint64_t user_usable_len(uint64_t addr, uint64_t len, bool write);

/* 0 or -EFAULT. */
int copy_from_user(void *dst, uint64_t src, size_t len);
int copy_to_user(uint64_t dst, const void *src, size_t len);

/*
 * Copies a NUL-terminated string; returns its length without the NUL,
 * -EFAULT, or -ENAMETOOLONG if it does not fit `size` bytes with its NUL.
 */
long strncpy_from_user(char *dst, uint64_t src, size_t size);

/*
 * A scatter list under way. Memory it names has been checked, and is again if
 * the map has changed since: another thread may unmap it during a sleep.
 */
struct iov_iter {
	const struct kiovec {
		uint64_t base;
		uint64_t len;
	} * iov;
	uint32_t iov_count; /* entries left, from iov on */
	uint64_t skip; /* bytes done of *iov */
	uint64_t left; /* bytes left in all */
	struct kiovec single;
	uint64_t epoch; /* mm_epoch when the memory was checked */
	uint32_t prot; /* PROT_* it was checked for, 0: kernel memory */
	bool moved; /* something was */
	bool faulted; /* memory has gone meanwhile: nothing is left */
};

/*
 * One buffer, or an iovec array of the program copied to `store` (at least
 * `count` entries; count is at most IOV_COUNT_MAX). `write`: the kernel will
 * write to the buffers. 0, -EFAULT or -EINVAL.
 */
int iov_iter_init_single(struct iov_iter *it, uint64_t base, uint64_t len,
			 bool write);
int iov_iter_init_user(struct iov_iter *it, uint64_t uiov, uint32_t count,
		       struct kiovec *store, bool write);
/*
 * The same, but buffers end where the first inaccessible page begins, as
 * read(2) and write(2) on Linux move what they can; -EFAULT if that leaves
 * nothing.
 */
int iov_iter_cut_single(struct iov_iter *it, uint64_t base, uint64_t len,
			bool write);
int iov_iter_cut_user(struct iov_iter *it, uint64_t uiov, uint32_t count,
		      struct kiovec *store, bool write);
/* Over kernel memory, for kernel callers. */
void iov_iter_init_kernel(struct iov_iter *it, void *base, uint64_t len);

/* Move up to len bytes; return the bytes moved (less only at the end). */
size_t iov_copy_out(struct iov_iter *it, const void *src, size_t len);
size_t iov_copy_in(struct iov_iter *it, void *dst, size_t len);
/* Writes len zero bytes. */
size_t iov_zero_out(struct iov_iter *it, size_t len);
/* What a system call returns that moved n bytes (or failed with n < 0). */
long iov_result(const struct iov_iter *it, long n);

#endif
