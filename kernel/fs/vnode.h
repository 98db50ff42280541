/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vnodes: the files, directories, links and devices of the one tree that the
 * program sees. A vnode of the image keeps its data there until it is
 * written; everything else is RAM. A dentry names a vnode in a directory.
 *
 * References: one for each dentry in place, open file, working directory,
 * and for whoever holds a pointer across calls. A function that returns a
 * vnode through ret_x gives the caller a reference.
 */
#ifndef KERNEL_FS_VNODE_H
#define KERNEL_FS_VNODE_H

#include <linux/stat.h>

#include "core/kernel.h"
#include "fs/file.h"
#include "fs/pagetree.h"
#include "lib/erofs.h"

#define NAME_MAX 255
#define PATH_MAX 4096

struct vnode;
struct pipe;
struct pseudo_node;
struct watch;

struct vtime {
	int64_t sec;
	uint32_t nsec;
};

/* What getdents sees. */
struct dir_item {
	const char *name;
	uint32_t name_len;
	uint32_t type; /* DT_* */
	uint64_t ino;
	int64_t next; /* position behind this entry */
};

/* Takes one entry; false: no more of them, this one was not taken. */
typedef bool (*dir_emit)(void *ctx, const struct dir_item *item);

/* Kinds of vnode that differ in more than data. */
struct vnode_ops {
	/* Directories. -ENOENT if there is no such name. */
	int (*lookup)(struct vnode *dir, const char *name, size_t len,
		      struct vnode **ret);
	int (*list)(struct vnode *dir, int64_t pos, dir_emit emit, void *ctx);
	/* Symbolic links: the length of the target, cut to size. */
	long (*readlink)(struct vnode *vn, char *buf, size_t size);
	/*
	 * Links that lead to an object, not to a path; NULL: ordinary. One of
	 * the results is set; *ret_file is a file that has no vnode.
	 */
	int (*follow)(struct vnode *vn, struct vnode **ret_vn,
		      struct file **ret_file);
	/* A new open file for everything but directories and links. */
	int (*open)(struct vnode *vn, uint32_t flags, struct file **ret);
	/* The last reference is gone. */
	void (*fini)(struct vnode *vn);
};

struct dentry {
	struct list node; /* struct dir_data.entries */
	struct dentry *hash_next;
	struct vnode *vn; /* NULL: in the image, not looked up yet */
	struct vnode *dir; /* one reference if `owned` */
	uint64_t nid; /* in the image, while vn is NULL */
	int64_t cookie; /* position in listings, rising */
	uint32_t hash;
	uint8_t type; /* DT_* */
	bool owned; /* by vn: not in the directory */
	bool deleted; /* was in the directory */
	uint8_t name_len;
	char name[]; /* terminated */
};

struct dir_data {
	struct list entries; /* struct dentry.node, by cookie */
	struct dentry **buckets;
	uint32_t bucket_count; /* power of two, 0 at first */
	uint32_t count;
	int64_t next_cookie;
	struct dentry *listed; /* where the last listing stopped, or NULL */
	bool removed; /* rmdir was here: no new entries */
	bool partial; /* the image has more: `image` tells */
	struct erofs_inode *image; /* NULL: not from the image */
};

struct reg_data {
	struct pagetree pages; /* what was written, over ... */
	const uint8_t *lower; /* contiguous bytes below, or NULL */
	struct erofs_inode *image; /* or an inode in several pieces */
	uint64_t lower_len; /* bytes that still count */
	bool lower_cut; /* there is more below that must not show */
	bool mapped; /* was asked for memory to map at least once */
	uint64_t size;
};

struct pseudo_data {
	const struct pseudo_node *node;
	uint64_t arg; /* descriptor or thread */
};

struct vnode {
	const struct vnode_ops *ops;
	uint32_t refs;
	uint32_t mode;
	uint32_t nlink;
	uint32_t uid, gid;
	uint32_t rdev;
	uint32_t dev; /* st_dev */
	uint32_t flock_shared; /* holders */
	bool flock_exclusive;
	bool pinned; /* may not be removed or renamed: a mount point */
	bool linkable; /* O_TMPFILE without O_EXCL */
	uint64_t ino;
	struct vtime atime, mtime, ctime;
	struct watch *watches; /* fs/inotify.c */
	struct dentry *link; /* last name it was found by; NULL for the root */
	union {
		struct dir_data dir;
		struct reg_data reg;
		char *target;
		struct pipe *pipe; /* of a FIFO; NULL: nobody has it open */
		struct pseudo_data pseudo;
	} u;
};

enum {
	VFS_DEV_TREE = 0x15, /* st_dev values */
	VFS_DEV_PROC = 0x16,
	VFS_DEV_SYS = 0x17,
};

enum vnode_access {
	ACCESS_X = 1,
	ACCESS_W = 2,
	ACCESS_R = 4,
};

/* A zeroed vnode of the tree with one reference, times set to now. */
struct vnode *vnode_new(uint32_t mode);
static inline struct vnode *vnode_ref(struct vnode *vn)
{
	vn->refs++;
	return vn;
}
void vnode_unref(struct vnode *vn); /* NULL is fine */

static inline bool vnode_is_dir(const struct vnode *vn)
{
	return S_ISDIR(vn->mode);
}

struct vtime vtime_now(void);
void vnode_touch_data(struct vnode *vn); /* mtime and ctime become now */
void vnode_touch_atime(struct vnode *vn); /* as of relatime */
void vnode_stat(const struct vnode *vn, struct stat *st);

/* 0 or -EACCES; `mask` is of enum vnode_access. */
int vnode_access(const struct vnode *vn, uint32_t mask);
int vnode_access_as(const struct vnode *vn, uint32_t mask, uint32_t uid,
		    uint32_t gid);
/* May the program change attributes? 0 or -EPERM. */
int vnode_may_own(const struct vnode *vn);

/*
 * The absolute path into buf, terminated; its length, or -ENAMETOOLONG,
 * -ENOENT (the name was removed; with `mark` " (deleted)" is added instead).
 */
long vnode_path(const struct vnode *vn, char *buf, size_t size, bool mark);

/* Whose rights count: the superuser's until the tree is set up. */
extern struct vfs_ids {
	uint32_t uid, gid;
} vfs_ids;

static inline uint32_t vfs_uid(void)
{
	return vfs_ids.uid;
}

static inline uint32_t vfs_gid(void)
{
	return vfs_ids.gid;
}

#endif
