/* SPDX-License-Identifier: Apache-2.0 */
/* Runs mkfs.erofs of erofs-utils, in the one way that mayfly images need. */
#ifndef IMAGE_MKFS_H
#define IMAGE_MKFS_H

#include <signal.h>

#include "host/err.h"

/* The signal mask is the child's. The file `out` exists and is replaced. */
int mkfs_run(const char *out, const char *dir, const sigset_t *mask,
	     struct err *e);

/* Is there an mkfs.erofs? 0 or -errno. */
int mkfs_probe(void);

#endif
