/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk with its own stack, so that a hostile tree (a directory that
 * contains itself) meets a limit and not the end of ours.
 */
#include "image/walk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cleanup.h"

struct level {
	struct erofs_inode dir;
	uint64_t pos;
	size_t path_len; /* of the directory itself */
};

struct walk {
	const struct image *img;
	int (*visit)(void *arg, const char *path,
		     const struct erofs_inode *ino);
	void *arg;
	int depth; /* index of the current level */
	unsigned count;
	struct level levels[WALK_DEPTH_MAX];
	char path[WALK_PATH_MAX];
};

static bool is_dot(const struct erofs_dirent *d)
{
	return (d->name_len == 1 && d->name[0] == '.') ||
	       (d->name_len == 2 && memcmp(d->name, "..", 2) == 0);
}

static int descend(struct walk *w, const struct erofs_inode *ino, size_t len)
{
	if (w->depth + 1 == WALK_DEPTH_MAX)
		return -ELOOP;
	w->levels[++w->depth] = (struct level){ .dir = *ino, .path_len = len };
	return 0;
}

static int enter(struct walk *w, const struct erofs_dirent *d)
{
	size_t start = w->levels[w->depth].path_len;
	struct erofs_inode ino;
	int n, r;

	if (++w->count > WALK_COUNT_MAX)
		return -E2BIG;
	n = snprintf(w->path + start, sizeof(w->path) - start, "/%.*s",
		     (int)d->name_len, d->name);
	if (n < 0 || (size_t)n >= sizeof(w->path) - start)
		return -ENAMETOOLONG;
	r = erofs_inode_get(&w->img->fs, d->nid, &ino);
	if (r == 0)
		r = w->visit(w->arg, w->path, &ino);
	if (r == 0 && S_ISDIR(ino.mode))
		r = descend(w, &ino, start + (size_t)n);
	return r;
}

static int walk(struct walk *w)
{
	struct erofs_dirent d;
	int r;

	while (w->depth >= 0) {
		struct level *l = &w->levels[w->depth];

		r = erofs_dir_next(&w->img->fs, &l->dir, &l->pos, &d);
		if (r < 0)
			return r;
		if (r == 0) {
			w->depth--;
			continue;
		}
		if (is_dot(&d))
			continue;
		r = enter(w, &d);
		if (r != 0)
			return r;
	}
	return 0;
}

int image_walk(const struct image *img,
	       int (*visit)(void *arg, const char *path,
			    const struct erofs_inode *ino),
	       void *arg)
{
	AUTO_FREE struct walk *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->img = img;
	w->visit = visit;
	w->arg = arg;
	r = erofs_inode_get(&img->fs, img->fs.root_nid, &w->levels[0].dir);
	return r < 0 ? r : walk(w);
}
