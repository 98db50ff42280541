/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kept copy, used again: everything that has happened since its first
 * instruction is taken back. RAM is compared with nothing and believed in
 * nothing: each page that the guest may have written to gets its content from
 * the snapshot or the image, or zeros. Which pages these are the host's page
 * tables say: what is there and is no page of a file.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "monitor/instance.h"

/* /proc/PID/pagemap: Linux, Documentation/admin-guide/mm/pagemap.rst */
#define PM_PRESENT (1ull << 63)
#define PM_SWAPPED (1ull << 62)
#define PM_FILE	   (1ull << 61) /* or shared memory */
#define PM_CHUNK   512u /* entries read at once */

/* Zeros in a row that are given back; fewer stay, and are cleared. */
#define GIVE_BACK_PAGES 64u

/* Where the reset has come to; addresses ascend. */
struct cursor {
	struct instance *inst;
	uint32_t range; /* the first that ends above */
	uint64_t zero_from, zero_to; /* pages to be cleared; empty: none */
};

int recycle_prepare(struct instance *inst, struct err *e)
{
	uint64_t size = inst->facts.file_size;
	int flags = MAP_PRIVATE;
	void *p;

	/* What is copied back in any case should not have to be fetched. */
	if (size <= MF_SNAPSHOT_COPY_MAX)
		flags |= MAP_POPULATE;
	p = mmap(NULL, size, PROT_READ, flags, inst->snapshot_fd, 0);
	if (p == MAP_FAILED)
		return err_sys(e, errno, "cannot map the snapshot");
	inst->original = p;
	return 0;
}

static int clear_zeros(struct cursor *c)
{
	uint64_t len = c->zero_to - c->zero_from;
	uint8_t *at = c->inst->mem.ram + c->zero_from;

	c->zero_from = c->zero_to = 0;
	if (len < GIVE_BACK_PAGES * MF_PAGE_SIZE)
		memset(at, 0, len);
	else if (madvise(at, len, MADV_DONTNEED) < 0)
		return -errno;
	return 0;
}

static int reset_page(struct cursor *c, uint64_t gpa)
{
	const struct mf_snapshot_range *r = c->inst->ranges;
	const uint8_t *from;
	int err = 0;

	while (c->range < c->inst->facts.range_count &&
	       r[c->range].gpa + r[c->range].len <= gpa)
		c->range++;
	r += c->range;
	if (c->range < c->inst->facts.range_count && gpa >= r->gpa) {
		from = r->source == MF_RANGE_IMAGE ? c->inst->mem.image :
						     c->inst->original;
		memcpy(c->inst->mem.ram + gpa, from + r->off + (gpa - r->gpa),
		       MF_PAGE_SIZE);
		return 0;
	}
	if (c->zero_to != gpa) {
		err = clear_zeros(c);
		c->zero_from = gpa;
	}
	c->zero_to = gpa + MF_PAGE_SIZE;
	return err;
}

/* RAM that was added since is none of the snapshot's: it goes as a whole. */
static int reset_ram(struct instance *inst)
{
	static uint64_t pm[PM_CHUNK];
	struct cursor c = { .inst = inst };
	uint64_t first = (uint64_t)(uintptr_t)inst->mem.ram / MF_PAGE_SIZE;
	uint64_t size = inst->facts.ram_size;
	int err = 0;

	if (inst->mem.ram_size > size &&
	    madvise(inst->mem.ram + size, inst->mem.ram_size - size,
		    MADV_DONTNEED) < 0)
		return -errno;
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
				err = reset_page(&c, at + i * MF_PAGE_SIZE);
		if (err)
			return err;
	}
	err = clear_zeros(&c);
	inst->mem.ram_size = size;
	return err;
}

/* The monitor's own, as before the first instruction. */
static void forget(struct instance *inst)
{
	uint32_t jail = inst->exit.stats.jail;

	if (inst->trace_fd >= 0)
		close(inst->trace_fd);
	inst->trace_fd = -1;
	inst->trace_seq = 0;
	inst->nudge = inst->ready = inst->done = false;
	inst->limit_checked_ns = 0;
	memset(&inst->exit, 0, sizeof(inst->exit));
	inst->exit.stats.jail = jail;
	inst->exit_text[0] = '\0';
}

int recycle(struct instance *inst, struct err *e)
{
	int err = reset_ram(inst);

	if (err)
		return err_sys(e, -err, "cannot reset the guest's memory");
	rings_again(&inst->rings);
	forget(inst);
	err = restore_clean(inst, e);
	return err ? err : inst->ops->reset(inst, e);
}
