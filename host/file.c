/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input and output that a signal or a short count cannot shorten, and the
 * temporary-then-rename way to publish a file.
 */
#include "host/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cleanup.h"

int file_write(int fd, const void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(fd, (const char *)buf + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

static int copy_by_hand(int dst, int src, off_t off)
{
	enum { CHUNK = 1 << 20 };
	AUTO_FREE char *buf = malloc(CHUNK);

	if (!buf)
		return -ENOMEM;
	for (;;) {
		ssize_t n = pread(src, buf, CHUNK, off);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		r = file_write(dst, buf, (size_t)n);
		if (r < 0)
			return r;
		off += n;
	}
}

/*
 * The kernel copies, or shares the blocks where the file system can. It
 * refuses between some file systems, and calls the files of /proc empty.
 */
int file_copy(int dst, int src)
{
	enum { CHUNK = 1 << 30 };
	off_t off = 0;
	ssize_t n;

	do {
		n = copy_file_range(src, &off, dst, NULL, CHUNK, 0);
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (n == 0 && off > 0)
		return 0;
	if (n < 0 && errno != EXDEV && errno != EINVAL && errno != ENOSYS &&
	    errno != EOPNOTSUPP && errno != EPERM && errno != ETXTBSY)
		return -errno;
	return copy_by_hand(dst, src, off);
}

static void draft_reset(struct file_draft *d)
{
	if (d->fd >= 0)
		close(take_fd(&d->fd));
	free(take_ptr(d->temp));
	free(take_ptr(d->path));
}

static int draft_create(struct file_draft *d, const char *path, mode_t mode)
{
	mode_t mask;

	d->path = strdup(path);
	if (!d->path)
		return -ENOMEM;
	if (asprintf(&d->temp, "%s.XXXXXX", path) < 0) {
		d->temp = NULL;
		return -ENOMEM;
	}
	d->fd = mkostemp(d->temp, O_CLOEXEC);
	if (d->fd < 0)
		return -errno;
	mask = umask(0);
	umask(mask);
	return fchmod(d->fd, mode & ~mask) < 0 ? -errno : 0;
}

int file_draft_init(struct file_draft *d, const char *path, mode_t mode)
{
	int r;

	*d = (struct file_draft){ .fd = -1 };
	r = draft_create(d, path, mode);
	if (r < 0)
		file_draft_drop(d);
	return r;
}

static int sync_parent(const char *path)
{
	AUTO_FREE char *copy = strdup(path);
	AUTO_CLOSE int fd = -1;
	char *slash;

	if (!copy)
		return -ENOMEM;
	slash = strrchr(copy, '/');
	if (slash)
		slash[slash == copy] = '\0';
	fd = open(slash ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* Some file systems cannot sync a directory; the file itself is. */
	if (fsync(fd) < 0 && errno != EINVAL)
		return -errno;
	return 0;
}

int file_draft_publish(struct file_draft *d, bool sync)
{
	int r = 0;

	if (sync && fsync(d->fd) < 0)
		return -errno;
	if (rename(d->temp, d->path) < 0)
		return -errno;
	if (sync)
		r = sync_parent(d->path);
	draft_reset(d);
	return r;
}

void file_draft_drop(struct file_draft *d)
{
	if (d->fd >= 0 && d->temp)
		unlink(d->temp);
	draft_reset(d);
}

int file_mkdirs(const char *path)
{
	AUTO_FREE char *copy = strdup(path);
	char *p;

	if (!copy)
		return -ENOMEM;
	for (p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (mkdir(copy, 0700) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}
