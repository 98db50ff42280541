/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory the host holds for pages whose contents nobody needs: free pages
 * with old contents, and pages that are zero because they were cleared here.
 * It goes back in batches. Page numbers are those of core/frame.c.
 */
#ifndef KERNEL_CORE_RECLAIM_H
#define KERNEL_CORE_RECLAIM_H

#include "core/kernel.h"

/* Bytes of zeroed memory that reclaim_init wants for so many pages. */
uint64_t reclaim_size(uint64_t pages);
void reclaim_init(void *memory, uint64_t pages);

/*
 * Free pages are handed out, and are zero afterwards. Pages of the program
 * (`user`) are written by nobody else, and stay under observation.
 */
void reclaim_taken(uint32_t pfn, uint32_t count, bool user);
/* Pages became free, and may hold anything. */
void reclaim_freed(uint32_t pfn, uint32_t count);
/* Pages of the program read as zero after the next reclaim_flush. */
void reclaim_zero(gpa_t gpa, uint64_t len);
/* The same, now, by writing zeroes. */
void reclaim_clear(gpa_t gpa, uint64_t len);

/* That, and arch_mmu_flush, in one exit. */
void reclaim_flush(void);
/* Gives back everything that can be, now. */
void reclaim_trim(void);

#endif
