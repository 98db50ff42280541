/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page frames: who owns each 4 KiB of RAM. A buddy allocator over the RAM the
 * monitor mapped, grown on demand. Frames are known to be zero until first
 * handed out, so that untouched memory is never touched by the kernel either.
 */
#ifndef KERNEL_CORE_FRAME_H
#define KERNEL_CORE_FRAME_H

#include "core/alloc.h"

void frame_init(void);

/*
 * 2^order contiguous zeroed frames, aligned to their size; gpa 0 when memory
 * is exhausted. One reference.
 */
gpa_t frame_alloc(unsigned order);

/*
 * Pages for the program: as many zeroed contiguous frames as can be had in
 * one piece, from 1 to `want`; aligned to their size if that is 2^n.
 */
gpa_t frame_alloc_run(uint64_t want, uint64_t *ret_count);

/*
 * Drops one reference of each page in the range; the last one frees it.
 * Not dirty: the pages are zero, as they were handed out.
 */
void frame_unref_range(gpa_t gpa, uint64_t len, bool dirty);
void frame_ref(gpa_t gpa); /* one page */
bool frame_is_shared(gpa_t gpa); /* more than one reference */

uint64_t frame_free_bytes(void); /* of the RAM mapped now */
uint64_t frame_available_bytes(void); /* and of what can still be mapped */
uint64_t frame_used_bytes(void);

/* Which allocator owns a page of the direct map (core/heap.c). */
uint8_t frame_tag(const void *p);
void frame_set_tag(const void *p, uint8_t tag);

#endif
