/* SPDX-License-Identifier: Apache-2.0 */
/* Runs mkfs.erofs of erofs-utils, in the one way that mayfly images need. */
#ifndef IMAGE_MKFS_H
#define IMAGE_MKFS_H

#include <signal.h>
#include <stdint.h>

#include "host/err.h"
#include "image/source.h"

struct mkfs_job {
	const char *out; /* a file that exists and is replaced */
	const char *dir;
	uint32_t uid, gid; /* the owner of every file */
	const sigset_t *mask; /* the child's signal mask */
	const struct watch *watch; /* gets its ticks; NULL: nobody */
};

int mkfs_run(const struct mkfs_job *job, struct err *e);

/* Is there an mkfs.erofs? 0 or -errno. */
int mkfs_probe(void);

#endif
