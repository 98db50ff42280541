/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pages of RAM have been written to, by the guest or by the monitor for
 * it: the host's page tables say so where RAM is mapped privately from files.
 * What is there and is no page of a file was written to.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "monitor/instance.h"

/* /proc/PID/pagemap: Linux, Documentation/admin-guide/mm/pagemap.rst */
#define PM_PRESENT (1ull << 63)
#define PM_SWAPPED (1ull << 62)
#define PM_FILE	   (1ull << 61) /* or shared memory */
#define PM_CHUNK   512u /* entries read at once */

int touched_each(const struct instance *inst, uint64_t size, touched_fn *fn,
		 void *arg)
{
	static uint64_t pm[PM_CHUNK];
	uint64_t first = (uint64_t)(uintptr_t)inst->mem.ram / MF_PAGE_SIZE;
	int err = 0;

	for (uint64_t at = 0; at < size; at += PM_CHUNK * MF_PAGE_SIZE) {
		uint64_t n = (size - at) / MF_PAGE_SIZE;
		uint64_t off = (first + at / MF_PAGE_SIZE) * sizeof(pm[0]);

		if (n > PM_CHUNK)
			n = PM_CHUNK;
		if (pread(inst->pagemap_fd, pm, n * sizeof(pm[0]),
			  (off_t)off) != (ssize_t)(n * sizeof(pm[0])))
			return -EIO;
		for (uint64_t i = 0; i < n && !err; i++)
			if ((pm[i] & (PM_PRESENT | PM_SWAPPED)) &&
			    !(pm[i] & PM_FILE))
				err = fn(arg, at + i * MF_PAGE_SIZE);
		if (err)
			return err;
	}
	return 0;
}

/* Bits for the pages from `from` on, which are written when they are full. */
struct bits {
	const struct instance *inst;
	uint32_t range; /* the first that ends above */
	int fd;
	uint64_t from; /* page number */
	bool any;
	uint8_t map[512];
};

#define BITS_PAGES (8 * sizeof(((struct bits *)NULL)->map))

static int flush_bits(struct bits *b)
{
	ssize_t n = sizeof(b->map);

	if (b->any)
		n = pwrite(b->fd, b->map, sizeof(b->map), (off_t)(b->from / 8));
	if (n != sizeof(b->map))
		return n < 0 ? -errno : -EIO;
	memset(b->map, 0, sizeof(b->map));
	b->any = false;
	return 0;
}

/* Where there is no file, reading makes a page as well: one of zeros. */
static bool was_read_only(struct bits *b, uint64_t gpa)
{
	const struct mf_snapshot_range *r = b->inst->ranges;
	const uint8_t *page = b->inst->mem.ram + gpa;

	while (b->range < b->inst->facts.range_count &&
	       r[b->range].gpa + r[b->range].len <= gpa)
		b->range++;
	r += b->range;
	if (b->range < b->inst->facts.range_count && gpa >= r->gpa &&
	    r->source != MF_RANGE_ZERO)
		return false;
	return !page[0] && memcmp(page, page + 1, MF_PAGE_SIZE - 1) == 0;
}

static int add_bit(void *arg, uint64_t gpa)
{
	uint64_t page = gpa / MF_PAGE_SIZE;
	struct bits *b = arg;
	int err = 0;

	if (was_read_only(b, gpa))
		return 0;
	if (page - b->from >= BITS_PAGES) {
		err = flush_bits(b);
		b->from = page / BITS_PAGES * BITS_PAGES;
	}
	page -= b->from;
	b->map[page / 8] |= (uint8_t)(1u << page % 8);
	b->any = true;
	return err;
}

int touched_write(const struct instance *inst, int fd)
{
	struct bits b = { .inst = inst, .fd = fd };
	int err = touched_each(inst, inst->facts.ram_size, add_bit, &b);

	return err ? err : flush_bits(&b);
}
