/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An index of the image's pages by their content, for a snapshot that is
 * about to be taken. A hash says where to look and a comparison whether it is
 * so; a page that does not get a slot is merely not found. The image may be
 * made to collide: no search takes more than PROBES_MAX steps.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "monitor/instance.h"

#define PAGES_MAX  (1u << 22) /* of an image that are looked at: 16 GiB */
#define PROBES_MAX 16u
#define WORDS	   (MF_PAGE_SIZE / sizeof(uint64_t))

struct slot {
	uint32_t hash;
	uint32_t page; /* number plus one; 0: free */
};

/* Twice as many slots as pages, a power of two. */
static struct {
	struct slot *slots;
	uint32_t mask;
	uint32_t pages; /* whole ones of the image, at most PAGES_MAX */
} idx;

int image_pages_prepare(struct instance *inst, struct err *e)
{
	uint64_t pages = inst->start.image_size / MF_PAGE_SIZE;
	uint32_t slots = 1;
	void *p;

	idx.pages = pages < PAGES_MAX ? (uint32_t)pages : PAGES_MAX;
	while (slots < 2 * idx.pages)
		slots *= 2;
	p = mmap(NULL, slots * sizeof(struct slot), PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return err_sys(e, errno, "no memory for the image's index");
	idx.slots = p;
	idx.mask = slots - 1;
	return 0;
}

static uint32_t hash_page(const uint8_t *page)
{
	const uint64_t k = 0x9e3779b97f4a7c15;
	uint64_t h[4] = { 1, 2, 3, 4 }, w[4];

	for (size_t i = 0; i < WORDS; i += 4) {
		memcpy(w, page + i * sizeof(w[0]), sizeof(w));
		for (size_t j = 0; j < 4; j++)
			h[j] = (h[j] ^ w[j]) * k;
	}
	for (size_t j = 1; j < 4; j++)
		h[0] = (h[0] ^ h[0] >> 32 ^ h[j]) * k;
	return (uint32_t)(h[0] >> 32);
}

static bool is_zero(const uint8_t *page)
{
	return !page[0] && memcmp(page, page + 1, MF_PAGE_SIZE - 1) == 0;
}

static void add(uint32_t page, uint32_t hash)
{
	struct slot *s;

	for (uint32_t i = 0; i < PROBES_MAX; i++) {
		s = &idx.slots[(hash + i) & idx.mask];
		if (s->page && s->hash != hash)
			continue;
		if (!s->page)
			*s = (struct slot){ hash, page + 1 };
		return;
	}
}

void image_pages_index(struct instance *inst)
{
	for (uint32_t i = 0; i < idx.pages; i++) {
		const uint8_t *page = inst->mem.image + i * MF_PAGE_SIZE;

		if (!is_zero(page))
			add(i, hash_page(page));
	}
}

static bool find(const struct instance *inst, const uint8_t *page,
		 uint64_t *ret_off)
{
	uint32_t hash = hash_page(page);

	for (uint32_t i = 0; i < PROBES_MAX; i++) {
		const struct slot *s = &idx.slots[(hash + i) & idx.mask];

		if (!s->page)
			return false;
		if (s->hash != hash)
			continue;
		*ret_off = (s->page - 1) * MF_PAGE_SIZE;
		return memcmp(inst->mem.image + *ret_off, page, MF_PAGE_SIZE) ==
		       0;
	}
	return false;
}

uint64_t image_pages_match(const struct instance *inst, uint64_t gpa,
			   uint64_t *ret_off)
{
	const uint8_t *ram = inst->mem.ram + gpa;
	uint64_t max = inst->mem.ram_size - gpa;
	uint64_t image_end = idx.pages * MF_PAGE_SIZE, len = 0, solid = 0;

	if (!idx.pages || !find(inst, ram, ret_off))
		return 0;
	if (gpa < MF_HOLE_LO && max > MF_HOLE_LO - gpa)
		max = MF_HOLE_LO - gpa;
	if (max > image_end - *ret_off)
		max = image_end - *ret_off;
	while (len < max && memcmp(ram + len, inst->mem.image + *ret_off + len,
				   MF_PAGE_SIZE) == 0) {
		len += MF_PAGE_SIZE;
		if (!is_zero(ram + len - MF_PAGE_SIZE))
			solid = len;
	}
	return solid;
}
