/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Character devices: null, zero, full, random, urandom, tty. A table by
 * device number; any other number has no driver, -ENXIO.
 */
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "core/random.h"
#include "fs/console.h"
#include "fs/open.h"

#define DEV(major, minor) ((major) << 8 | (minor))

static long null_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	(void)f;
	(void)to;
	(void)pos;
	return 0;
}

static long null_write(struct file *f, struct iov_iter *from, int64_t *pos)
{
	(void)f;
	(void)pos;
	return (long)from->left;
}

static long zero_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	(void)f;
	(void)pos;
	return (long)iov_zero_out(to, to->left);
}

static long full_write(struct file *f, struct iov_iter *from, int64_t *pos)
{
	(void)f;
	(void)from;
	(void)pos;
	return -ENOSPC;
}

static long random_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	uint8_t buf[256];
	long done = 0;

	(void)f;
	(void)pos;
	while (to->left) {
		size_t n = min_u64(to->left, sizeof(buf));

		random_fill(buf, n);
		n = iov_copy_out(to, buf, n);
		if (!n)
			break;
		done += (long)n;
	}
	return done;
}

static int64_t dev_seek(struct file *f, int64_t off, int whence)
{
	(void)f;
	(void)off;
	(void)whence;
	return 0;
}

/* Mapping /dev/zero privately is anonymous memory. */
static int zero_extent(struct file *f, uint64_t off, uint64_t len, bool share,
		       struct map_extent *ret)
{
	(void)f;
	(void)off;
	if (share)
		return -ENODEV;
	ret->gpa.v = 0;
	ret->len = len;
	return 0;
}

#define DEV_COMMON \
	.seek = dev_seek, .stat = vfile_stat, .release = vfile_release

static const struct file_ops null_ops = {
	.read = null_read,
	.write = null_write,
	DEV_COMMON,
};

static const struct file_ops zero_ops = {
	.read = zero_read,
	.write = null_write,
	.extent = zero_extent,
	DEV_COMMON,
};

static const struct file_ops full_ops = {
	.read = zero_read,
	.write = full_write,
	DEV_COMMON,
};

static const struct file_ops random_ops = {
	.read = random_read,
	.write = null_write,
	DEV_COMMON,
};

static const struct {
	uint32_t rdev;
	const struct file_ops *ops;
} drivers[] = {
	{ DEV(1, 3), &null_ops },   { DEV(1, 5), &zero_ops },
	{ DEV(1, 7), &full_ops },   { DEV(1, 8), &random_ops },
	{ DEV(1, 9), &random_ops },
};

int devfile_open(struct vnode *vn, uint32_t flags, struct file **ret)
{
	if (vn->rdev == DEV(5, 0))
		return console_open_tty(flags, ret);
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
		if (drivers[i].rdev != vn->rdev)
			continue;
		*ret = vfile_new(drivers[i].ops, vn, flags);
		return *ret ? 0 : -ENOMEM;
	}
	return -ENXIO;
}
