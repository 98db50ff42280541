/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's memory map: areas (struct vma) with eager commitment. What
 * is accessible is mapped when the area becomes accessible; PROT_NONE areas
 * cost nothing. There is one address space.
 */
#ifndef KERNEL_CORE_MM_H
#define KERNEL_CORE_MM_H

#include <linux/mman.h>

#include "arch.h"
#include "core/kernel.h"
#include "fs/file.h"

struct vma {
	uint64_t start, end;
	uint32_t prot; /* PROT_* */
	uint32_t flags; /* MAP_SHARED or MAP_PRIVATE, MAP_ANONYMOUS, VMA_* */
	struct file *file; /* one reference, or NULL */
	uint64_t off; /* of `start` in the file */
};

#define VMA_STACK 0x40000000u
#define VMA_HEAP  0x20000000u
/* Its memory comes from the top down, as it is touched: a thread's stack. */
#define VMA_LAZY 0x10000000u
#define VMA_WIPE 0x08000000u /* MADV_WIPEONFORK */

struct mmap_request {
	uint64_t addr;
	uint64_t len;
	uint32_t prot;
	uint32_t flags;
	struct file *file; /* borrowed; NULL: anonymous */
	uint64_t off;
};

void mm_init(void);
/* The address, or -errno. */
int64_t mm_map(const struct mmap_request *req);
int mm_unmap(uint64_t addr, uint64_t len);
int mm_protect(uint64_t addr, uint64_t len, uint32_t prot);
int64_t mm_remap(uint64_t addr, uint64_t old_len, uint64_t new_len,
		 uint32_t flags, uint64_t new_addr);
int mm_advise(uint64_t addr, uint64_t len, int advice);
/* In a copy of a snapshot: what MADV_WIPEONFORK marked reads as zero. */
void mm_wipe(void);

/* The heap that brk(2) moves starts here; set once by the loader. */
void mm_set_brk(uint64_t start);
uint64_t mm_brk(uint64_t want); /* 0 asks; returns the break in force */

/*
 * A regular file has another size, in bytes: adapts the areas that map it
 * (core/mm_file.c).
 */
struct vnode;
void mm_file_resized(const struct vnode *vn, uint64_t old_size,
		     uint64_t new_size);

/*
 * Other memory holds the file's bytes [off, off + len), whole pages: areas
 * that show it follow.
 */
void mm_file_changed(const struct vnode *vn, uint64_t off, uint64_t len);
/* madvise(MADV_REMOVE) of a part of a shared file area. 0 or -errno. */
int mm_file_remove(const struct vma *v, uint64_t start, uint64_t end);

/* The area that holds addr, or the next one above it, or NULL. */
const struct vma *mm_find(uint64_t addr);
/*
 * Gives a VMA_LAZY area its memory from addr, or a bit below, to where there
 * is some already. 0 or -ENOMEM.
 */
int mm_touch(const struct vma *v, uint64_t addr);
/* Areas in address order, for /proc/self/maps; NULL past the end. */
const struct vma *mm_area(size_t index);
/* Grows whenever memory the program could use may have gone. */
extern uint64_t mm_epoch;

/* ---- resource limits (core/mm_limit.c) ---------------------------------- */

/* Bytes of areas in all, and of private writable ones but the stack. */
uint64_t mm_virtual_bytes(void);
uint64_t mm_data_bytes(void);
/* Whether RLIMIT_AS and RLIMIT_DATA allow it. */
bool mm_may_map(const struct mmap_request *req, uint64_t len);
bool mm_may_grow(const struct vma *v, uint64_t more);
bool mm_may_write(const struct vma *v); /* that it becomes writable */

#define MM_STACK_MAX   (128ull << 20)
#define MM_STACK_GUARD (1ull << 20)

/*
 * The first thread's stack: `size` bytes, below them room for MM_STACK_MAX
 * in all. 0 or -errno.
 */
int mm_map_stack(uint64_t size, uint32_t prot, uint64_t *ret_top);
/* Whether an area is such room, which the program does not know of. */
bool mm_is_reserve(const struct vma *v);
/* RLIMIT_STACK has another value, in bytes. */
void mm_stack_limit(uint64_t limit);

#endif
