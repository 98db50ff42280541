/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel memory: pages and small objects, all inside the direct map, so that
 * any pointer from here has a guest-physical address (kva_gpa).
 */
#ifndef KERNEL_CORE_ALLOC_H
#define KERNEL_CORE_ALLOC_H

#include "core/kernel.h"

#define FRAME_ORDER_MAX 10 /* 4 MiB */

/*
 * 2^order contiguous zeroed pages aligned to their size, or NULL. Memory of
 * the direct map; its reference count is 1.
 */
void *page_alloc(unsigned order);
void page_free(void *p, unsigned order);

/* Zeroed objects of any size up to 4 MiB, 16-byte aligned; NULL if none. */
void *kzalloc(size_t size);
void kfree(void *p); /* NULL is fine */
/* Grows or shrinks; the old object stays valid when NULL is returned. */
void *krealloc(void *p, size_t old_size, size_t new_size);

static inline gpa_t kva_gpa(const void *p)
{
	return (gpa_t){ (uint64_t)(uintptr_t)p - MF_DIRECT_VA };
}

static inline void *gpa_kva(gpa_t g)
{
	return (void *)(uintptr_t)(g.v + MF_DIRECT_VA);
}

#endif
