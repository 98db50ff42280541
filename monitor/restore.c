/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest out of a file (abi/snapshot.h). The parent has checked the file's
 * digest and the CPU; here everything is checked that could make the monitor
 * reach outside the guest's memory. Pages of the snapshot and of the image
 * are mapped where they belong and copied when they are written to; those of
 * the working set are copied at once, and so is all of a small snapshot that
 * has none, and of one whose RAM another process shares.
 */
#include <errno.h>
#include <linux/mman.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/file.h"
#include "host/snapshot_check.h"
#include "monitor/instance.h"

static int malformed(struct err *e)
{
	return err_set(e, EINVAL, "the snapshot is malformed");
}

static bool in_kernel(uint64_t va, uint64_t len)
{
	return va >= MF_KERNEL_VA && va - MF_KERNEL_VA < len;
}

static int check_facts(const struct instance *inst,
		       const struct mf_snapshot_facts *f, struct err *e)
{
	struct stat st;

	if (f->abi_version != MF_ABI_VERSION)
		return err_set(e, EINVAL,
			       "the snapshot speaks guest ABI %u, this monitor "
			       "%u: take it again",
			       f->abi_version, MF_ABI_VERSION);
	if (f->substrate != inst->start.substrate)
		return err_set(e, EINVAL,
			       "the snapshot was taken on the other substrate");
	if (fstat(inst->snapshot_fd, &st) < 0 ||
	    !snapshot_facts_ok(f, (uint64_t)st.st_size))
		return malformed(e);
	if (f->image_size != (inst->start.image_size + MF_PAGE_SIZE - 1) /
				     MF_PAGE_SIZE * MF_PAGE_SIZE)
		return err_set(e, EINVAL,
			       "the image is not the snapshot's own");
	if (f->xfeatures & ~loader_xfeatures())
		return err_set(e, ENOTSUP,
			       "the CPU lacks vector registers that the "
			       "snapshot uses");
	return 0;
}

int restore_facts(struct instance *inst, struct err *e)
{
	struct mf_snapshot_header h;
	int err = file_pread(inst->snapshot_fd, &h, sizeof(h), 0);

	if (err)
		return err_sys(e, -err, "cannot read the snapshot");
	if (!snapshot_header_ok(&h))
		return malformed(e);
	err = check_facts(inst, &h.facts, e);
	if (err)
		return err;
	inst->facts = h.facts;
	inst->start.mem_limit = h.facts.mem_limit;
	inst->mem.ram_size = h.facts.ram_size;
	inst->mem.ram_max = h.facts.ram_max;
	inst->kernel_data_gpa = h.facts.kernel_data_gpa;
	inst->entry = h.facts.resume.entry;
	inst->stack = h.facts.resume.stack;
	return 0;
}

static int fill_range(const struct instance *inst,
		      const struct mf_snapshot_range *r, bool copy)
{
	int fd = r->source == MF_RANGE_IMAGE ? inst->image_fd :
					       inst->snapshot_fd;
	uint8_t *to = inst->mem.ram + r->gpa;

	/* One call is cheaper than a fault per page; failing is harmless. */
	if (copy)
		madvise(to, r->len, MADV_POPULATE_WRITE);
	if (r->source == MF_RANGE_ZERO)
		return 0;
	if (!copy)
		return mmap(to, r->len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, fd,
			    (off_t)r->off) == to ?
			       0 :
			       -errno;
	return file_pread(fd, to, r->len, r->off);
}

static int fill_ranges(const struct instance *inst, struct err *e)
{
	const struct mf_snapshot_range *ranges = inst->ranges;
	bool record = inst->start.record && inst->mem.ram_fd < 0;
	bool all = !record && snapshot_copies_all(&inst->facts, ranges);
	int err;

	for (uint32_t i = 0; i < inst->facts.range_count; i++) {
		bool hot = ranges[i].flags & MF_RANGE_HOT;

		err = fill_range(inst, &ranges[i], all || (hot && !record));
		if (err)
			return err_sys(e, -err, "cannot load the snapshot");
	}
	return 0;
}

/*
 * Of memory that is mapped from a file, given back pages would be the file's
 * again: other memory takes their place.
 */
int restore_discard(struct instance *inst, uint64_t gpa, uint64_t len)
{
	uint8_t *at = inst->mem.ram + gpa;
	void *p = mmap(at, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
		       -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	madvise(at, len, MADV_NOHUGEPAGE);
	if (inst->discarded)
		recycle_note_discard(inst, gpa, len);
	return 0;
}

/* What the snapshot's guest shared with the monitor of its time. */
int restore_clean(struct instance *inst, struct err *e)
{
	struct mf_boot *b = (struct mf_boot *)(inst->mem.ram + MF_BOOT_GPA);
	struct mf_shared *sh = inst->shared;
	uint64_t kernel = (uint64_t)inst->kernel.text_size +
			  inst->kernel.data_size + inst->kernel.bss_size;

	if (b->magic != MF_BOOT_MAGIC ||
	    b->paging != (uint32_t)inst->ops->paging ||
	    !in_kernel(inst->entry, inst->kernel.text_size) ||
	    !in_kernel(inst->stack - 1, kernel))
		return malformed(e);
	b->flags = 0;
	b->generation++;
	sh->doorbell = 0;
	sh->pending = 0;
	sh->ret = 0;
	sh->signals = 0;
	memset(&sh->ring, 0, sizeof(sh->ring));
	memset(&sh->trace, 0, sizeof(sh->trace));
	memset(&sh->clock, 0, sizeof(sh->clock));
	return 0;
}

int restore_ram(struct instance *inst, struct err *e)
{
	uint64_t size =
		inst->facts.range_count * sizeof(struct mf_snapshot_range);
	int err;

	inst->ranges = calloc(1, size ? size : 1);
	if (!inst->ranges)
		return err_set(e, ENOMEM, "no memory for the snapshot's table");
	err = file_pread(inst->snapshot_fd, inst->ranges, size,
			 inst->facts.range_off);
	if (err)
		return err_sys(e, -err, "cannot read the snapshot");
	if (!snapshot_ranges_ok(&inst->facts, inst->ranges))
		return malformed(e);
	err = fill_ranges(inst, e);
	return err ? err : restore_clean(inst, e);
}
