/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that the kernel makes up: /proc and /sys. Their shape is given by
 * tables of nodes; a file's text is made when it is opened. `arg` is the
 * number of the nearest numbered directory entry above (a descriptor, a
 * thread), or 0.
 */
#ifndef KERNEL_FS_PSEUDO_H
#define KERNEL_FS_PSEUDO_H

#include "fs/vnode.h"

struct textbuf {
	char *buf;
	size_t len, room;
	bool failed; /* no memory */
};

void text_add(struct textbuf *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void text_add_bytes(struct textbuf *t, const void *p, size_t len);

/* file_ops.seek of a text. */
int64_t pseudo_seek(struct file *f, int64_t off, int whence);

struct pseudo_node {
	const char *name;
	uint32_t mode; /* S_IFDIR, S_IFREG or S_IFLNK, and permissions */
	uint32_t child_count;
	/* A file: one of these. */
	const char *content;
	void (*text)(struct textbuf *t, uint64_t arg);
	/* ... or, for one that can do more than be read. */
	int (*open)(struct vnode *vn, uint32_t flags, struct file **ret);
	/* A link; `follow` as in struct vnode_ops, or NULL. */
	long (*link)(char *buf, size_t size, uint64_t arg);
	int (*follow)(struct vnode **ret_vn, struct file **ret_file,
		      uint64_t arg);
	/* A directory: child_count fixed entries, ... */
	const struct pseudo_node *children;
	/* ... or numbered ones, each a `member`; the first at or after
	 * `from`, or -1. */
	int64_t (*next_member)(int64_t from);
	const struct pseudo_node *member;
	/* NULL, or whether there is one that may not be listed. */
	bool (*has_member)(int64_t number);
	/* The vnode of all lookups, once there was one: it can be watched. */
	struct vnode **shared;
};

#define PSEUDO_FILE(n, f)                                        \
	{                                                        \
		.name = (n), .mode = S_IFREG | 0444, .text = (f) \
	}
#define PSEUDO_CONST(n, c)                                          \
	{                                                           \
		.name = (n), .mode = S_IFREG | 0444, .content = (c) \
	}
#define PSEUDO_LINK(n, f)                                        \
	{                                                        \
		.name = (n), .mode = S_IFLNK | 0777, .link = (f) \
	}
#define PSEUDO_DIR(n, c)                                              \
	{                                                             \
		.name = (n), .mode = S_IFDIR | 0555, .children = (c), \
		.child_count = ARRAY_SIZE(c)                          \
	}

/* The vnode of a tree's root, which dir_insert is to give its place. */
int pseudo_mount(const struct pseudo_node *root, uint32_t dev,
		 struct vnode **ret);

#endif
