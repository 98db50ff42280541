/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshot files, as if the digest had matched: what the command and the
 * monitor check before they act. What passes must lie in RAM, and in the file
 * or the image.
 *
 * The input is a file; if the first byte is odd its magic, version, ABI and
 * size are put right first.
 */
#include <stdlib.h>
#include <string.h>

#include "host/snapshot_check.h"
#include "launch/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_right(struct mf_snapshot_header *h, uint64_t size)
{
	memcpy(h->magic, MF_SNAPSHOT_MAGIC, sizeof(h->magic));
	h->version = MF_SNAPSHOT_VERSION;
	h->reserved = 0;
	h->facts.abi_version = MF_ABI_VERSION;
	h->facts.file_size = size;
}

/* Independent of the code that checked it, and in wider numbers. */
static void try_range(const struct mf_snapshot_facts *f,
		      const struct mf_snapshot_range *r,
		      const struct mf_snapshot_range *before)
{
	__uint128_t end = (__uint128_t)r->gpa + r->len;
	__uint128_t from_end = (__uint128_t)r->off + r->len;
	bool stored = r->source == MF_RANGE_STORED;

	if (end > f->ram_size || r->gpa < MF_BOOT_GPA || !r->len ||
	    (r->gpa | r->len | r->off) % MF_PAGE_SIZE)
		abort();
	if (before && before->gpa + before->len > r->gpa)
		abort();
	if (stored && (r->off < MF_SNAPSHOT_DATA || from_end > f->range_off ||
		       from_end > f->file_size))
		abort();
	if (r->source == MF_RANGE_IMAGE && from_end > f->image_size)
		abort();
	if (r->source > MF_RANGE_ZERO)
		abort();
}

static void try_table(const struct mf_snapshot_facts *f, const uint8_t *file)
{
	const struct mf_snapshot_range *before = NULL;
	struct mf_snapshot_range *ranges;
	size_t size = f->range_count * sizeof(*ranges);

	/* Of its own, so that a step behind it is seen. */
	ranges = malloc(size ? size : 1);
	if (!ranges)
		abort();
	memcpy(ranges, file + f->range_off, size);
	if (snapshot_ranges_ok(f, ranges)) {
		for (uint32_t i = 0; i < f->range_count; i++) {
			try_range(f, &ranges[i], before);
			before = &ranges[i];
		}
	}
	free(ranges);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mf_snapshot_header h;
	struct err e;

	if (size < 1 + sizeof(h))
		return 0;
	memcpy(&h, data + 1, sizeof(h));
	if (data[0] & 1)
		put_right(&h, size - 1);
	if (snapshot_check_header(&h, "x", size - 1, &e) < 0 && !e.text[0])
		abort();
	if (!snapshot_header_ok(&h) || !snapshot_facts_ok(&h.facts, size - 1))
		return 0;
	try_table(&h.facts, data + 1);
	return 0;
}
