/* SPDX-License-Identifier: Apache-2.0 */
/* The image as a source of vnodes. */
#ifndef KERNEL_FS_IMAGE_H
#define KERNEL_FS_IMAGE_H

#include "fs/vnode.h"

/* Opens the mapped image. 0 or -errno. */
int image_init(void);
const struct erofs *image_erofs(void);

/* The vnode of an image inode (the same one for hard links). 0/-errno. */
int image_vnode(uint64_t nid, struct vnode **ret);
int image_root(struct vnode **ret);

/* Inode numbers of RAM vnodes start above those of the image. */
uint64_t image_next_ino(void);

/* Forgets a vnode that image_vnode may have remembered. */
void image_forget(struct vnode *vn);

#endif
