/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sparse array of pages, indexed by page number: the RAM part of a file.
 * A tree of 64-way nodes, as high as the largest index so far needs. Owns
 * the pages in it (one reference of each frame).
 *
 * A page that was only mapped into the program is promised: nobody may ever
 * touch it, so it does not count as memory of files until it is written.
 */
#ifndef KERNEL_FS_PAGETREE_H
#define KERNEL_FS_PAGETREE_H

#include "core/kernel.h"

struct pagetree {
	void *root; /* a page at height 0, else a node */
	unsigned height;
	uint64_t page_count;
};

/* Pages in all trees, without those that are only promised. */
uint64_t pagetree_total(void);

/* The page, or NULL. */
void *pagetree_get(const struct pagetree *t, uint64_t index);
/* Puts a page where none is. 0 or -ENOMEM. */
int pagetree_set(struct pagetree *t, uint64_t index, void *page, bool promised);
/* A page of a tree is written. */
void pagetree_redeem(void *page);
/* Frees the pages [from, to); `to` may be UINT64_MAX. */
void pagetree_remove(struct pagetree *t, uint64_t from, uint64_t to);
/* The first page at or after *index, which is set; false: none. */
bool pagetree_next(const struct pagetree *t, uint64_t *index);

#endif
