/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images sealed for `mayfly run PROGRAM`, in the directory sealed/ of the
 * cache:
 *
 *	KEY.img		made of the program alone
 *	DIGEST.img	made of more than that
 *	KEY.inputs	what, and the digest of the image
 *
 * KEY names the program (device, inode, size, mtime, ctime, name), the kernel
 * and the rewriter. A list of inputs is compared with the files at each start.
 */
#ifndef CLI_SEALED_H
#define CLI_SEALED_H

#include "host/err.h"
#include "image/image.h"
#include "launch/paths.h"

/*
 * Opens `path` for a run: the image itself, or one sealed from the program.
 * *ret_status is the command's exit status if it fails.
 */
int sealed_open(struct image *ret, const char *path, const struct paths *paths,
		int *ret_status, struct err *e);

/* Can programs be kept sealed here? */
int sealed_probe(struct err *e);

#endif
