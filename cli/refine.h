/* SPDX-License-Identifier: Apache-2.0 */
/* mayfly snapshot of a snapshot: its working set learns from a request. */
#ifndef CLI_REFINE_H
#define CLI_REFINE_H

#include "host/err.h"

struct refine {
	const char *path; /* of the snapshot */
	const char *output; /* the file to write; may be `path` */
	const char *request; /* the path that is asked for; NULL: nothing is */
};

/*
 * Writes the snapshot once more, with the pages that a copy touches until it
 * has answered added to its working set. 1: the copy did not answer, and
 * nothing was written.
 */
int refine_snapshot(const struct refine *f, struct err *e);

#endif
