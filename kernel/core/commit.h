/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving areas their memory: anonymous pages, copies of file pages, the
 * image's own pages. Ranges are page aligned and inside the area. After
 * release, protect or discard, commit_finish makes the change effective
 * (TLB) and frees the memory; nothing else may run in between.
 */
#ifndef KERNEL_CORE_COMMIT_H
#define KERNEL_CORE_COMMIT_H

#include "core/mm.h"

/* Maps what is not mapped yet, if the area is accessible. 0 or -errno. */
int commit_area(struct vma *v, uint64_t start, uint64_t end);
/* Applies v->prot to what is mapped, and maps the rest. 0 or -errno. */
int commit_protect(struct vma *v);
/* Unmaps the range; its frames go back at commit_finish. */
int commit_release(uint64_t start, uint64_t end);
/* The range reads as fresh again (MADV_DONTNEED). 0 or -errno. */
int commit_discard(struct vma *v, uint64_t start, uint64_t end);
/* The range's own memory becomes zero. 0. */
int commit_clear(uint64_t start, uint64_t end);
/* Moves the memory of [from, from + len) to the empty range at `to`. */
int commit_move(uint64_t from, uint64_t to, uint64_t len);
void commit_finish(void);
/* The same, and what is parked (core/park.h) is unmapped as well. */
void commit_settle(void);

#endif
