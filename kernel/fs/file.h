/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open files and the descriptor table. Everything a descriptor can name is a
 * struct file with an ops table.
 */
#ifndef KERNEL_FS_FILE_H
#define KERNEL_FS_FILE_H

#include "core/kernel.h"
#include "core/sched.h"
#include "core/uaccess.h"

struct file;
struct vma;
struct stat; /* asm/stat.h */

/* A run of guest-physical memory that backs part of a file. */
struct map_extent {
	gpa_t gpa; /* page aligned */
	uint64_t len; /* bytes, page multiple, at least one page */
};

/*
 * Any member may be NULL: then -EINVAL (read, write), -ENOTTY (ioctl),
 * -ENODEV (mmap) or always-ready (poll) is the answer.
 */
struct file_ops {
	/*
	 * *pos is the position, or -1 for a stream; the op advances it. Both
	 * sleep unless f->flags has O_NONBLOCK (then -EAGAIN) and return
	 * bytes, 0 at end of file, -errno, -ERESTARTSYS on a signal.
	 */
	long (*read)(struct file *f, struct iov_iter *to, int64_t *pos);
	long (*write)(struct file *f, struct iov_iter *from, int64_t *pos);
	int64_t (*seek)(struct file *f, int64_t off, int whence);
	/* EPOLL* bits that hold now; state changes wake f->waitq. */
	uint32_t (*poll)(struct file *f);
	long (*ioctl)(struct file *f, uint32_t cmd, uint64_t arg);
	int (*stat)(struct file *f, struct stat *st);
	/*
	 * The memory behind [off, off + len), off page aligned. With `share`
	 * the pages are the file's own (a hole is filled); without, the
	 * caller only reads them, and *ret with gpa.v == 0 is a hole.
	 */
	int (*extent)(struct file *f, uint64_t off, uint64_t len, bool share,
		      struct map_extent *ret);
	/* The last reference is gone. */
	void (*release)(struct file *f);
};

struct file {
	const struct file_ops *ops;
	uint32_t refs;
	uint32_t flags; /* O_ACCMODE, O_NONBLOCK, O_APPEND, ... of Linux */
	int64_t pos;
	struct waitq *waitq; /* NULL: never changes state */
	void *priv;
	struct list epoll_links; /* fs/epoll.c */
};

/* A new open file with one reference, or NULL. */
struct file *file_new(const struct file_ops *ops, void *priv, uint32_t flags);
struct file *file_ref(struct file *f);
void file_unref(struct file *f);

/* For what is no file of a file system: st_mode and plausible rest. */
void file_stat_fill(struct stat *st, uint32_t mode);

/* ---- the descriptor table (one: there is one process) ------------------ */

#define FD_MAX 65536 /* RLIMIT_NOFILE is at most this */

/* Borrowed; NULL if fd is not open. */
struct file *fd_get(int fd);
/*
 * Puts f at the lowest free descriptor >= min and takes over the caller's
 * reference, also on failure. Returns the descriptor, -EMFILE or -ENOMEM.
 */
int fd_install(struct file *f, int min, bool cloexec);
/* Whether fd_install(f, 0, ...) would find room: 0 or -EMFILE. */
int fd_may_install(void);
int fd_close(int fd); /* 0 or -EBADF */
/* As dup2: puts f at exactly fd, closing what was there; takes the
 * reference, also on failure. Returns fd, -EBADF or -ENOMEM. */
int fd_install_at(struct file *f, int fd, bool cloexec);

/* FD_CLOEXEC; false for a closed one. */
bool fd_cloexec(int fd);
void fd_set_cloexec(int fd, bool on);

/* The first open descriptor >= fd, or -1. */
int fd_next(int fd);

/* Opens what a program finds open at its start; panics without memory. */
void fd_init(void);

#endif
