/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open files and the descriptor table. The table grows by doubling up to
 * FD_MAX; the search for the lowest free descriptor starts at a hint below
 * which everything is open.
 */
#include "fs/file.h"

#include <asm/stat.h>

#include "core/alloc.h"
#include "core/rlimit.h"
#include "fs/console.h"
#include "fs/epoll.h"
#include "fs/open.h"
#include "fs/rangelock.h"

#define FD_TABLE_MIN 32

struct fd_entry {
	struct file *file; /* NULL: closed */
	bool cloexec;
};

static struct {
	struct fd_entry *entries;
	uint32_t size;
	uint32_t hint; /* all below are open */
} fds;

struct file *file_new(const struct file_ops *ops, void *priv, uint32_t flags)
{
	struct file *f = kzalloc(sizeof(*f));

	if (!f)
		return NULL;
	f->ops = ops;
	f->refs = 1;
	f->flags = flags;
	f->priv = priv;
	list_init(&f->epoll_links);
	return f;
}

struct file *file_ref(struct file *f)
{
	f->refs++;
	return f;
}

void file_unref(struct file *f)
{
	if (--f->refs)
		return;
	epoll_forget_file(f);
	if (f->ops->release)
		f->ops->release(f);
	kfree(f);
}

void file_stat_fill(struct stat *st, uint32_t mode)
{
	memset(st, 0, sizeof(*st));
	st->st_mode = mode;
	st->st_nlink = 1;
	st->st_uid = kernel_boot->uid;
	st->st_gid = kernel_boot->gid;
	st->st_blksize = PAGE_SIZE;
	st->st_dev = 1;
	st->st_ino = 1;
}

struct file *fd_get(int fd)
{
	if ((uint32_t)fd >= fds.size)
		return NULL;
	return fds.entries[fd].file;
}

static int fd_grow(uint32_t fd)
{
	uint32_t size = fds.size ? fds.size : FD_TABLE_MIN;
	void *p;

	while (size <= fd)
		size *= 2;
	p = krealloc(fds.entries, fds.size * sizeof(struct fd_entry),
		     size * sizeof(struct fd_entry));
	if (!p)
		return -ENOMEM;
	fds.entries = p;
	memset(&fds.entries[fds.size], 0,
	       (size - fds.size) * sizeof(struct fd_entry));
	fds.size = size;
	return 0;
}

static int fd_put(struct file *f, uint32_t fd, bool cloexec)
{
	if (fd >= fds.size && fd_grow(fd) < 0) {
		file_unref(f);
		return -ENOMEM;
	}
	fds.entries[fd] = (struct fd_entry){ f, cloexec };
	return (int)fd;
}

static uint32_t lowest_free(uint32_t min)
{
	bool from_hint = min <= fds.hint;
	uint32_t fd = from_hint ? fds.hint : min;

	while (fd < fds.size && fds.entries[fd].file)
		fd++;
	if (from_hint)
		fds.hint = fd;
	return fd;
}

int fd_may_install(void)
{
	return lowest_free(0) < rlimit_nofile() ? 0 : -EMFILE;
}

int fd_install(struct file *f, int min, bool cloexec)
{
	uint32_t fd = lowest_free((uint32_t)min);

	if (fd >= rlimit_nofile()) {
		file_unref(f);
		return -EMFILE;
	}
	return fd_put(f, fd, cloexec);
}

/* Closing any descriptor of a file gives up the process's locks on it. */
static void descriptor_gone(struct file *f)
{
	const struct vnode *vn = file_vnode(f);

	if (vn)
		rangelock_drop(vn, NULL);
	file_unref(f);
}

int fd_install_at(struct file *f, int fd, bool cloexec)
{
	struct file *old;

	if ((uint32_t)fd >= rlimit_nofile()) {
		file_unref(f);
		return -EBADF;
	}
	old = fd_get(fd);
	fd = fd_put(f, (uint32_t)fd, cloexec);
	if (old && fd >= 0)
		descriptor_gone(old);
	return fd;
}

int fd_close(int fd)
{
	struct file *f = fd_get(fd);

	if (!f)
		return -EBADF;
	fds.entries[fd] = (struct fd_entry){ 0 };
	if ((uint32_t)fd < fds.hint)
		fds.hint = (uint32_t)fd;
	descriptor_gone(f);
	return 0;
}

bool fd_cloexec(int fd)
{
	return fd_get(fd) && fds.entries[fd].cloexec;
}

void fd_set_cloexec(int fd, bool on)
{
	if (fd_get(fd))
		fds.entries[fd].cloexec = on;
}

int fd_next(int fd)
{
	for (uint32_t i = (uint32_t)fd; i < fds.size; i++)
		if (fds.entries[i].file)
			return (int)i;
	return -1;
}

void fd_init(void)
{
	if (console_init() < 0)
		kpanic("no memory for the console");
}
