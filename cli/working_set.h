/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The working set of a snapshot: what a copy writes to until it has answered
 * its first request. Recorded by running one; a start then has those pages
 * ready.
 */
#ifndef CLI_WORKING_SET_H
#define CLI_WORKING_SET_H

#include "cli/run_options.h"
#include "host/err.h"
#include "image/image.h"

/* Runs a copy of what is in s->fd, a snapshot but for its digest. */
struct working_set {
	const struct run_snapshot *s;
	const struct image *img;
	const char *request; /* the path that is asked for; NULL: nothing is */
};

/*
 * Fills *ret, a bit for each page of RAM, which the caller frees. Nothing of
 * the snapshot is changed. 1: the program did not answer, and *ret says what
 * it touched until then.
 */
int working_set_record(uint8_t **ret, const struct working_set *w,
		       struct err *e);

/* Adds what is hot already. */
void working_set_keep(uint8_t *bits, const struct mf_snapshot_range *ranges,
		      uint32_t count);

/* Into the table in s->fd; s->facts follow, and the header has to. */
int working_set_store(struct run_snapshot *s, const uint8_t *bits,
		      struct err *e);

#endif
