/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No sum here can overflow: each number is compared with what is left below
 * one that was checked before.
 */
#include "host/snapshot_check.h"

#include <string.h>

#include "abi/ctl.h"

bool snapshot_header_ok(const struct mf_snapshot_header *h)
{
	return memcmp(h->magic, MF_SNAPSHOT_MAGIC, sizeof(h->magic)) == 0 &&
	       h->version == MF_SNAPSHOT_VERSION && h->reserved == 0;
}

static bool ram_ok(const struct mf_snapshot_facts *f)
{
	return f->ram_size % MF_HUGE_SIZE == 0 &&
	       f->ram_max % MF_HUGE_SIZE == 0 && f->ram_size > MF_KERNEL_MAX &&
	       f->ram_size <= f->ram_max && f->ram_max <= MF_RAM_MAX &&
	       f->mem_limit <= f->ram_max &&
	       f->kernel_data_gpa % MF_PAGE_SIZE == 0 &&
	       f->kernel_data_gpa >= MF_PT_GPA &&
	       f->kernel_data_gpa < f->ram_size - MF_KERNEL_MAX;
}

bool snapshot_facts_ok(const struct mf_snapshot_facts *f, uint64_t file_size)
{
	return f->file_size == file_size && ram_ok(f) &&
	       f->image_size % MF_PAGE_SIZE == 0 &&
	       f->image_size <= MF_IMAGE_MAX &&
	       f->range_count <= MF_SNAPSHOT_RANGES_MAX &&
	       f->range_off % MF_PAGE_SIZE == 0 &&
	       f->range_off >= MF_SNAPSHOT_DATA && f->range_off <= file_size &&
	       f->range_count * sizeof(struct mf_snapshot_range) <=
		       file_size - f->range_off;
}

static bool content_ok(const struct mf_snapshot_facts *f,
		       const struct mf_snapshot_range *r, uint64_t min_off)
{
	switch ((enum mf_range_source)r->source) {
	case MF_RANGE_STORED:
		return r->off >= min_off && r->off < f->range_off &&
		       r->len <= f->range_off - r->off;
	case MF_RANGE_IMAGE:
		return r->off < f->image_size &&
		       r->len <= f->image_size - r->off;
	case MF_RANGE_ZERO:
		return r->off == 0 && (r->flags & MF_RANGE_HOT);
	}
	return false;
}

static bool range_ok(const struct mf_snapshot_facts *f,
		     const struct mf_snapshot_range *r, uint64_t min_gpa,
		     uint64_t min_off)
{
	return (r->flags & ~(uint32_t)MF_RANGE_HOT) == 0 &&
	       (r->gpa | r->len | r->off) % MF_PAGE_SIZE == 0 && r->len &&
	       r->gpa >= min_gpa && r->gpa < f->ram_size &&
	       r->len <= f->ram_size - r->gpa && content_ok(f, r, min_off);
}

bool snapshot_ranges_ok(const struct mf_snapshot_facts *f,
			const struct mf_snapshot_range *ranges)
{
	uint64_t min_gpa = MF_BOOT_GPA, min_off = MF_SNAPSHOT_DATA;
	uint64_t hot = 0; /* bytes that are there before the guest runs */

	for (uint32_t i = 0; i < f->range_count; i++) {
		const struct mf_snapshot_range *r = &ranges[i];

		if (!range_ok(f, r, min_gpa, min_off))
			return false;
		min_gpa = r->gpa + r->len;
		hot += r->flags & MF_RANGE_HOT ? r->len : 0;
		if (hot > f->mem_limit)
			return false;
		if (r->source == MF_RANGE_STORED)
			min_off = r->off + r->len;
	}
	return true;
}

struct sums {
	uint64_t all, hot; /* bytes */
};

static struct sums sum(const struct mf_snapshot_facts *f,
		       const struct mf_snapshot_range *ranges)
{
	struct sums s = { 0 };

	for (uint32_t i = 0; i < f->range_count; i++) {
		s.all += ranges[i].len;
		if (ranges[i].flags & MF_RANGE_HOT)
			s.hot += ranges[i].len;
	}
	return s;
}

bool snapshot_copies_all(const struct mf_snapshot_facts *f,
			 const struct mf_snapshot_range *ranges)
{
	struct sums s = sum(f, ranges);

	return f->substrate != MF_SUBSTRATE_KVM ||
	       (!s.hot && s.all <= MF_SNAPSHOT_COPY_MAX);
}

uint64_t snapshot_copied(const struct mf_snapshot_facts *f,
			 const struct mf_snapshot_range *ranges)
{
	struct sums s = sum(f, ranges);

	return snapshot_copies_all(f, ranges) ? s.all : s.hot;
}
