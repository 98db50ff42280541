/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel objects: size classes of powers of two, each cutting whole pages.
 * A page's tag says what it holds: a class (TAG_CLASS + index) or, on the
 * first page of a larger object, its order (TAG_LARGE + order). Pages of a
 * class stay with it.
 */
#include "core/alloc.h"
#include "core/frame.h"

#define CLASS_MIN_SHIFT 4 /* 16 bytes */
#define CLASS_COUNT	8 /* up to 2048 bytes */
#define TAG_CLASS	1
#define TAG_LARGE	32

struct free_obj {
	struct free_obj *next;
};

static struct free_obj *class_free[CLASS_COUNT];

void *page_alloc(unsigned order)
{
	gpa_t g = frame_alloc(order);

	return g.v ? gpa_kva(g) : NULL;
}

void page_free(void *p, unsigned order)
{
	frame_unref_range(kva_gpa(p), PAGE_SIZE << order, true);
}

static unsigned size_class(size_t size)
{
	unsigned c = 0;

	while ((16ull << c) < size)
		c++;
	return c;
}

static bool class_refill(unsigned c)
{
	char *page = page_alloc(0);
	size_t size = 16ull << c;

	if (!page)
		return false;
	frame_set_tag(page, (uint8_t)(TAG_CLASS + c));
	for (size_t off = 0; off < PAGE_SIZE; off += size) {
		struct free_obj *o =
			(struct free_obj *)(page + PAGE_SIZE - size - off);

		o->next = class_free[c];
		class_free[c] = o;
	}
	return true;
}

static void *large_alloc(size_t size)
{
	unsigned order = 0;
	void *p;

	while ((PAGE_SIZE << order) < size)
		if (++order > FRAME_ORDER_MAX)
			return NULL;
	p = page_alloc(order);
	if (p)
		frame_set_tag(p, (uint8_t)(TAG_LARGE + order));
	return p;
}

void *kzalloc(size_t size)
{
	unsigned c = size_class(size);
	struct free_obj *o;

	if (c >= CLASS_COUNT)
		return large_alloc(size);
	if (!class_free[c] && !class_refill(c))
		return NULL;
	o = class_free[c];
	class_free[c] = o->next;
	memset(o, 0, 16ull << c);
	return o;
}

void kfree(void *p)
{
	uint8_t tag;
	struct free_obj *o = p;

	if (!p)
		return;
	tag = frame_tag(p);
	kassert(tag);
	if (tag >= TAG_LARGE) {
		frame_set_tag(p, 0);
		page_free(p, tag - TAG_LARGE);
		return;
	}
	kassert(tag < TAG_CLASS + CLASS_COUNT);
	o->next = class_free[tag - TAG_CLASS];
	class_free[tag - TAG_CLASS] = o;
}

void *krealloc(void *p, size_t old_size, size_t new_size)
{
	void *n = kzalloc(new_size);

	if (!n)
		return NULL;
	if (p)
		memcpy(n, p, min_u64(old_size, new_size));
	kfree(p);
	return n;
}
