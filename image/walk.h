/* SPDX-License-Identifier: Apache-2.0 */
/* Visits the files of an image that was loaded. */
#ifndef IMAGE_WALK_H
#define IMAGE_WALK_H

#include "image/image.h"

#define WALK_DEPTH_MAX 32
#define WALK_PATH_MAX  4096
#define WALK_COUNT_MAX (1u << 20)

/*
 * Calls visit for each file, in directory order, the root excluded; a result
 * other than 0 ends the walk and is returned. -ELOOP if the tree is deeper
 * than WALK_DEPTH_MAX, -E2BIG if it has more than WALK_COUNT_MAX entries.
 */
int image_walk(const struct image *img,
	       int (*visit)(void *arg, const char *path,
			    const struct erofs_inode *ino),
	       void *arg);

#endif
