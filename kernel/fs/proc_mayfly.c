/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/mayfly: how a program takes part in snapshots, from any language.
 * The files are there in every instance, so that a program needs no second
 * way for where no snapshot is taken. docs/snapshots.md is for their users.
 */
#include "fs/proc.h"

#include "core/snapshot.h"
#include "fs/open.h"

/* What a file says at the moment. */
static long read_text(struct iov_iter *to, int64_t *pos, const char *text)
{
	size_t len = strlen(text);
	long n;

	if ((uint64_t)*pos >= len)
		return 0;
	n = (long)iov_copy_out(to, text + *pos, len - (uint64_t)*pos);
	*pos += n;
	return n;
}

/* ---- snapshot: the mark ------------------------------------------------ */

static long snapshot_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	(void)f;
	if (kernel_boot->generation)
		return read_text(to, pos, "copy\n");
	return read_text(to, pos, snapshot_wanted() ? "wanted\n" : "none\n");
}

/* Whatever is written. It returns in the copy, or where none is wanted. */
static long snapshot_write(struct file *f, struct iov_iter *from, int64_t *pos)
{
	long n = (long)from->left;

	(void)f;
	(void)pos;
	if (n)
		snapshot_mark();
	return n;
}

static const struct file_ops snapshot_ops = {
	.read = snapshot_read,
	.write = snapshot_write,
	.seek = pseudo_seek,
	.stat = vfile_stat,
	.release = vfile_release,
};

static int snapshot_open(struct vnode *vn, uint32_t flags, struct file **ret)
{
	*ret = vfile_new(&snapshot_ops, vn, flags);
	return *ret ? 0 : -ENOMEM;
}

/* ---- the directory ----------------------------------------------------- */

const struct pseudo_node proc_mayfly[PROC_MAYFLY_FILES] = {
	{
		.name = "snapshot",
		.mode = S_IFREG | 0666,
		.open = snapshot_open,
	},
};
