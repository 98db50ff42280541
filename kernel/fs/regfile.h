/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content of regular files: pages in RAM over bytes of the image (or of
 * the kernel's own text). A page of the image is copied when it is first
 * written; holes read as zero. Offsets and sizes are bytes and at most
 * INT64_MAX.
 */
#ifndef KERNEL_FS_REGFILE_H
#define KERNEL_FS_REGFILE_H

#include "fs/vnode.h"

/* Bytes moved, 0 at the end of the file, or -errno. */
long regfile_read(struct vnode *vn, struct iov_iter *to, int64_t pos);
long regfile_write(struct vnode *vn, struct iov_iter *from, int64_t pos);
int regfile_truncate(struct vnode *vn, uint64_t size);
/*
 * How many of `len` bytes at pos RLIMIT_FSIZE allows; none of at least one:
 * -EFBIG, and SIGXFSZ is sent (fs/filelimit.c).
 */
int64_t regfile_allowed(uint64_t pos, uint64_t len);
/* [off, off + len) reads as zero; the size does not change. */
int regfile_punch(struct vnode *vn, uint64_t off, uint64_t len);
/* As lseek with SEEK_DATA (data) or SEEK_HOLE. */
int64_t regfile_seek_data(const struct vnode *vn, int64_t off, bool data);
/* As file_ops.extent. */
int regfile_extent(struct vnode *vn, uint64_t off, uint64_t len, bool share,
		   struct map_extent *ret);
/* How many pages all files may have in RAM: half of the memory, as tmpfs. */
uint64_t regfile_pages_max(void);
/* 512-byte blocks that stat reports. */
uint64_t regfile_blocks(const struct vnode *vn);
/*
 * A run of bytes that stays where it is as long as the file is open, for
 * copying without a detour: its length, or 0 if there is none at off.
 */
uint64_t regfile_peek(const struct vnode *vn, uint64_t off, const void **ret);
void regfile_fini(struct vnode *vn);

#endif
