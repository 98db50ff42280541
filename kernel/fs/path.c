/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk is a loop over the text that is left; a symbolic link puts its
 * target in front of that text. `cur` is the directory reached so far.
 */
#include "fs/path.h"

#include <linux/fcntl.h>

#include "fs/open.h"
#include "fs/vfs.h"

struct walk {
	struct vnode *cur; /* one reference */
	char *rest; /* in walk_buf */
	uint32_t flags; /* enum path_flag */
	unsigned links; /* followed so far */
};

/* One component in the text. */
struct component {
	const char *name;
	size_t len;
	bool final;
	bool slash;
};

enum step {
	STEP_ON = 0, /* look at the next component */
	STEP_DONE = 1,
};

static char user_buf[2][PATH_MAX];
static char walk_buf[2 * PATH_MAX];
static char link_buf[PATH_MAX];

int path_from_user(uint64_t upath, unsigned which, const char **ret)
{
	long n = strncpy_from_user(user_buf[which], upath, PATH_MAX);

	if (n < 0)
		return (int)n;
	*ret = user_buf[which];
	return 0;
}

void path_release(struct path_result *p)
{
	vnode_unref(p->e.n.dir);
	vnode_unref(p->e.vn);
	if (p->file)
		file_unref(p->file);
}

static void walk_to(struct walk *w, struct vnode *vn)
{
	vnode_unref(w->cur);
	w->cur = vn;
}

static int walk_start(struct walk *w, int dirfd, const char *path)
{
	struct vnode *vn = vfs_root;

	if (path[0] != '/' && dirfd == AT_FDCWD) {
		vn = vfs_cwd;
	} else if (path[0] != '/') {
		struct file *f = fd_get(dirfd);

		if (!f)
			return -EBADF;
		vn = file_vnode(f);
		if (!vn || !vnode_is_dir(vn))
			return -ENOTDIR;
	}
	w->cur = vnode_ref(vn);
	return 0;
}

/* Cuts the next component off w->rest; false at the end of the text. */
static bool next_component(struct walk *w, struct component *c)
{
	char *p = w->rest;

	while (*p == '/')
		p++;
	c->name = p;
	while (*p && *p != '/')
		p++;
	c->len = (size_t)(p - c->name);
	c->slash = *p == '/';
	w->rest = p;
	while (*p == '/')
		p++;
	c->final = !*p;
	return c->len != 0;
}

/* Puts a link's target in front of what is left. */
static int expand_link(struct walk *w, struct vnode *vn)
{
	long len = vn->ops->readlink(vn, link_buf, sizeof(link_buf));
	size_t left = strlen(w->rest);

	if (len < 0)
		return (int)len;
	if (len == 0)
		return -ENOENT;
	if ((size_t)len + left >= sizeof(walk_buf))
		return -ENAMETOOLONG;
	memmove(walk_buf + len, w->rest, left + 1);
	memcpy(walk_buf, link_buf, (size_t)len);
	w->rest = walk_buf;
	if (walk_buf[0] == '/')
		walk_to(w, vnode_ref(vfs_root));
	return STEP_ON;
}

/* Ends the walk at c, which means vn (taken; NULL: nothing). */
static int finish(struct walk *w, const struct component *c, struct vnode *vn,
		  struct path_result *ret)
{
	if (!vn && !(w->flags & PATH_MISSING))
		return -ENOENT;
	if (vn && c->slash && !vnode_is_dir(vn) &&
	    !(w->flags & (PATH_PARENT | PATH_MISSING))) {
		vnode_unref(vn);
		return -ENOTDIR;
	}
	ret->e.n.dir = vnode_ref(w->cur);
	ret->e.n.name = c->name;
	ret->e.n.len = c->len;
	ret->e.vn = vn;
	ret->slash = c->slash;
	return STEP_DONE;
}

/* A link that leads to an object; vn is taken. */
static int follow_object(struct walk *w, const struct component *c,
			 struct vnode *vn, struct path_result *ret)
{
	struct vnode *to = NULL;
	struct file *file = NULL;
	int rc = vn->ops->follow(vn, &to, &file);

	vnode_unref(vn);
	if (rc)
		return rc;
	if (file) {
		if (!c->final || c->slash) {
			file_unref(file);
			return -ENOTDIR;
		}
		ret->file = file;
		return STEP_DONE;
	}
	if (c->final)
		return finish(w, c, to, ret);
	walk_to(w, to);
	return STEP_ON;
}

static int step_name(struct walk *w, const struct component *c,
		     struct path_result *ret)
{
	struct vnode *vn = NULL;
	bool follow = !c->final || w->flags & PATH_FOLLOW ||
		      (c->slash && !(w->flags & PATH_PARENT));
	int rc;

	if (c->len > NAME_MAX)
		return -ENAMETOOLONG;
	if (c->final && c->slash && (w->flags & PATH_CREATE))
		return -EISDIR;
	rc = w->cur->ops->lookup(w->cur, c->name, c->len, &vn);
	if (rc == -ENOENT && c->final)
		return finish(w, c, NULL, ret);
	if (rc)
		return rc;
	if (S_ISLNK(vn->mode) && follow) {
		if (w->links++ >= SYMLINKS_MAX) {
			vnode_unref(vn);
			return -ELOOP;
		}
		if (vn->ops->follow)
			return follow_object(w, c, vn, ret);
		rc = expand_link(w, vn);
		vnode_unref(vn);
		return rc;
	}
	if (c->final)
		return finish(w, c, vn, ret);
	walk_to(w, vn);
	return STEP_ON;
}

/* "." and "..", and the end of the text. */
static int step_dots(struct walk *w, const struct component *c,
		     struct path_result *ret)
{
	enum path_last last = PATH_ROOT;

	if (c->len == 2)
		walk_to(w, vnode_ref(dir_parent(w->cur)));
	if (c->len && !c->final)
		return STEP_ON;
	if (c->len)
		last = c->len == 1 ? PATH_DOT : PATH_DOTDOT;
	ret->last = last;
	ret->e.vn = vnode_ref(w->cur);
	return STEP_DONE;
}

static int walk_step(struct walk *w, struct path_result *ret)
{
	struct component c;
	bool more = next_component(w, &c);
	int rc;

	if (!vnode_is_dir(w->cur))
		return -ENOTDIR;
	if (!more)
		return step_dots(w, &c, ret);
	rc = vnode_access(w->cur, ACCESS_X);
	if (rc)
		return rc;
	if (c.name[0] == '.' &&
	    (c.len == 1 || (c.len == 2 && c.name[1] == '.')))
		return step_dots(w, &c, ret);
	return step_name(w, &c, ret);
}

int path_lookup(int dirfd, const char *path, uint32_t flags,
		struct path_result *ret)
{
	struct walk w = { .rest = walk_buf, .flags = flags };
	size_t len = strlen(path);
	int rc;

	if (!len)
		return -ENOENT;
	if (len >= PATH_MAX)
		return -ENAMETOOLONG;
	rc = walk_start(&w, dirfd, path);
	if (rc)
		return rc;
	memcpy(walk_buf, path, len + 1);
	memset(ret, 0, sizeof(*ret));
	/* Each turn uses up text or one of the SYMLINKS_MAX links. */
	do
		rc = walk_step(&w, ret);
	while (rc == STEP_ON);
	vnode_unref(w.cur);
	return rc == STEP_DONE ? 0 : rc;
}

int path_vnode(int dirfd, const char *path, uint32_t flags, struct vnode **ret)
{
	struct path_result p;
	int rc = path_lookup(dirfd, path, flags, &p);

	if (rc)
		return rc;
	if (p.e.vn)
		*ret = vnode_ref(p.e.vn);
	else
		rc = -ENOENT;
	path_release(&p);
	return rc;
}
