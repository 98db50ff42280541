/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small areas that the program unmapped: their memory stays in the page
 * tables until the guest is left anyway, when one TLB flush does for all of
 * them, or until it is wanted again at the same place, which is common and
 * then costs no flush at all. The program does not own them any more: calls
 * fail with EFAULT, maps do not show them. Only its own use of such an address
 * may go unnoticed for a while, so nothing is parked for a program that
 * handles SIGSEGV.
 */
#ifndef KERNEL_CORE_PARK_H
#define KERNEL_CORE_PARK_H

#include "core/mm.h"

/* True: the area may be removed, its memory is taken care of. */
bool park_area(const struct vma *v);
/*
 * [start, end) is about to be mapped as v says (NULL: in another way). Parked
 * memory of it that fits is cleared and stays; if some does not, everything
 * parked is unmapped. 0, or -ENOMEM: that failed.
 */
int park_reuse(const struct vma *v, uint64_t start, uint64_t end);
/* For commit_settle and the ring; false: nothing was parked. */
bool park_unmap(void);

#endif
