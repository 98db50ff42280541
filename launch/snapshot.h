/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshot files: completing one that a monitor wrote, and opening one for a
 * start. docs/formats/snapshot.md describes them.
 */
#ifndef LAUNCH_SNAPSHOT_H
#define LAUNCH_SNAPSHOT_H

#include "host/err.h"
#include "image/image.h"
#include "launch/options.h"

struct snapshot {
	struct run_snapshot copy; /* fd and facts of the file */
	struct mf_snapshot_header header;
	const char *path; /* borrowed */
};

/* Whether a file begins as one. */
bool snapshot_is_one(const char *path);
/* Opens and verifies it, the whole of it once, and asks the CPU. */
int snapshot_open(struct snapshot *ret, const char *path, struct err *e);
/*
 * Opens it, verifies the whole of it in any case, and reads its table, on a
 * CPU that may be another; the caller frees *ret_ranges.
 */
int snapshot_inspect(struct snapshot *ret, const char *path,
		     struct mf_snapshot_range **ret_ranges, struct err *e);
/* Version and size: what can be told before anything is believed. */
int snapshot_check_header(const struct mf_snapshot_header *h, const char *path,
			  uint64_t size, struct err *e);
/* Of one that was opened; the caller frees *ret. */
int snapshot_read_table(const struct snapshot *s,
			struct mf_snapshot_range **ret, struct err *e);
/*
 * Opens the image that it was taken of: where it was, or else a file of that
 * name beside the snapshot.
 */
int snapshot_open_image(const struct snapshot *s, struct image *ret,
			struct err *e);
void snapshot_close(struct snapshot *s);

#define AUTO_SNAPSHOT __attribute__((cleanup(snapshot_close)))

/* What is part of a snapshot cannot be asked for of a copy. 0 or -EINVAL. */
int snapshot_check_options(const struct run_options *o, struct err *e);

/* A copy runs where its snapshot was taken. 0 or -EINVAL. */
int snapshot_check_substrate(const struct snapshot *s, enum mf_substrate want,
			     struct err *e);

/* Writes the header of what a monitor wrote into s->fd, but for its digest. */
int snapshot_complete(const struct run_snapshot *s, const struct image *img,
		      struct err *e);
/* Writes the last facts and the digest. */
int snapshot_seal(int fd, const struct mf_snapshot_facts *f, struct err *e);

#endif
