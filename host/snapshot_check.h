/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold of a snapshot's header and table before anybody acts on
 * them. Whoever reads a snapshot asks here first, of a copy that nobody else
 * can change.
 */
#ifndef HOST_SNAPSHOT_CHECK_H
#define HOST_SNAPSHOT_CHECK_H

#include <stdbool.h>

#include "abi/snapshot.h"

/* Begins as a snapshot of this version does. */
bool snapshot_header_ok(const struct mf_snapshot_header *h);

/* Sizes are possible, and those of a file of `file_size` bytes. */
bool snapshot_facts_ok(const struct mf_snapshot_facts *f, uint64_t file_size);

/*
 * f->range_count ranges that ascend, stay clear of each other, and lie in RAM
 * and in the file or the image; f is ok.
 */
bool snapshot_ranges_ok(const struct mf_snapshot_facts *f,
			const struct mf_snapshot_range *ranges);

/*
 * Bytes that a copy takes into memory of its own before it begins; the rest
 * is mapped from the file. All of it where there is no KVM; else the working
 * set, or, without one, all if that is little.
 */
bool snapshot_copies_all(const struct mf_snapshot_facts *f,
			 const struct mf_snapshot_range *ranges);
uint64_t snapshot_copied(const struct mf_snapshot_facts *f,
			 const struct mf_snapshot_range *ranges);

#endif
