/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See the header. Walks go down by index; nodes that became empty are freed
 * only when a removal covers them whole, which is when files shrink.
 */
#include "fs/pagetree.h"

#include "core/alloc.h"
#include "core/frame.h"

#define SLOT_BITS  6
#define SLOT_COUNT 64u
/* 10 levels of 6 bits reach every page of a 2^63-byte file. */
#define HEIGHT_MAX 10

struct node {
	void *slot[SLOT_COUNT];
};

#define TAG_NONE     0 /* frame tags; core/heap.c has others */
#define TAG_PROMISED 255

static uint64_t total, promised_total;

uint64_t pagetree_total(void)
{
	return total - promised_total;
}

void pagetree_redeem(void *page)
{
	if (frame_tag(page) != TAG_PROMISED)
		return;
	frame_set_tag(page, TAG_NONE);
	promised_total--;
}

/* One past the largest index a tree of this height holds. */
static uint64_t capacity(unsigned height)
{
	return 1ull << (SLOT_BITS * height);
}

void *pagetree_get(const struct pagetree *t, uint64_t index)
{
	void *p = t->root;

	if (index >= capacity(t->height))
		return NULL;
	for (unsigned h = t->height; h && p; h--) {
		const struct node *n = p;

		p = n->slot[index >> (SLOT_BITS * (h - 1)) & (SLOT_COUNT - 1)];
	}
	return p;
}

static int grow(struct pagetree *t, uint64_t index)
{
	while (index >= capacity(t->height)) {
		struct node *n;

		if (t->height == HEIGHT_MAX)
			return -EFBIG;
		if (t->root) {
			n = kzalloc(sizeof(*n));
			if (!n)
				return -ENOMEM;
			n->slot[0] = t->root;
			t->root = n;
		}
		t->height++;
	}
	return 0;
}

int pagetree_set(struct pagetree *t, uint64_t index, void *page, bool promised)
{
	void **slot = &t->root;
	int rc = grow(t, index);

	if (rc)
		return rc;
	for (unsigned h = t->height; h; h--) {
		struct node *n = *slot;

		if (!n) {
			n = kzalloc(sizeof(*n));
			if (!n)
				return -ENOMEM;
			*slot = n;
		}
		slot = &n->slot[index >> (SLOT_BITS * (h - 1)) &
				(SLOT_COUNT - 1)];
	}
	kassert(!*slot);
	*slot = page;
	t->page_count++;
	total++;
	promised_total += promised;
	frame_set_tag(page, promised ? TAG_PROMISED : TAG_NONE);
	return 0;
}

/*
 * Frees what lies in [from, to), indices relative to this subtree. The depth
 * is at most HEIGHT_MAX. True if the subtree has become empty.
 */
static bool subtree_remove(struct pagetree *t, void *p, unsigned height,
			   uint64_t from, uint64_t to)
{
	struct node *n = p;
	bool empty = true;
	uint64_t step;

	if (!height) {
		pagetree_redeem(p);
		page_free(p, 0);
		t->page_count--;
		total--;
		return true;
	}
	step = capacity(height - 1);
	for (uint64_t i = 0; i < SLOT_COUNT; i++) {
		uint64_t lo = i * step, hi = lo + step;

		if (n->slot[i] && from < hi && to > lo &&
		    subtree_remove(t, n->slot[i], height - 1,
				   from > lo ? from - lo : 0,
				   min_u64(to, hi) - lo))
			n->slot[i] = NULL;
		if (n->slot[i])
			empty = false;
	}
	if (empty)
		kfree(n);
	return empty;
}

void pagetree_remove(struct pagetree *t, uint64_t from, uint64_t to)
{
	to = min_u64(to, capacity(t->height));
	if (!t->root || from >= to)
		return;
	if (subtree_remove(t, t->root, t->height, from, to)) {
		t->root = NULL;
		t->height = 0;
	}
}

bool pagetree_next(const struct pagetree *t, uint64_t *index)
{
	uint64_t i = *index;

	while (t->root && i < capacity(t->height)) {
		void *p = t->root;
		unsigned h = t->height;

		while (h && p) {
			const struct node *n = p;

			h--;
			p = n->slot[i >> (SLOT_BITS * h) & (SLOT_COUNT - 1)];
		}
		if (p) {
			*index = i;
			return true;
		}
		/* Nothing in this subtree: go to the next one. */
		i = (i | (capacity(h) - 1)) + 1;
	}
	return false;
}
