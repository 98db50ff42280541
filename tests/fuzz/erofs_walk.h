/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Touches everything the EROFS reader can reach in an image, for the fuzz
 * target and the unit test. Bounded in steps, not by what the image says.
 */
#ifndef TESTS_FUZZ_EROFS_WALK_H
#define TESTS_FUZZ_EROFS_WALK_H

#include "lib/erofs.h"

#define WALK_STEPS_MAX 4096u
#define WALK_QUEUE_MAX 256u

struct erofs_walk {
	struct erofs fs;
	uint64_t queue[WALK_QUEUE_MAX]; /* directories to visit */
	unsigned queued, visited, steps;
	uint64_t sum; /* keeps the reads alive */
};

static void erofs_walk_data(struct erofs_walk *w, const struct erofs_inode *ino)
{
	uint64_t off = 0;

	for (unsigned i = 0; i < 64 && off < ino->size; i++) {
		struct erofs_extent ext;

		if (erofs_map(&w->fs, ino, off, &ext))
			return;
		if (ext.off) {
			w->sum += w->fs.base[ext.off];
			w->sum += w->fs.base[ext.off + ext.len - 1];
		}
		off += ext.len;
	}
}

static void erofs_walk_entry(struct erofs_walk *w,
			     const struct erofs_inode *dir,
			     const struct erofs_dirent *e)
{
	struct erofs_inode ino;
	char buf[64];
	uint64_t nid;

	for (uint32_t i = 0; i < e->name_len; i++)
		w->sum += (uint8_t)e->name[i];
	if (erofs_dir_lookup(&w->fs, dir, e->name, e->name_len, &nid) == 0)
		w->sum += nid;
	if (erofs_inode_get(&w->fs, e->nid, &ino))
		return;
	if (erofs_read(&w->fs, &ino, 0, buf, sizeof(buf)) > 0)
		w->sum += (uint8_t)buf[0];
	erofs_walk_data(w, &ino);
	if ((ino.mode & 0170000) == 0040000 && w->queued < WALK_QUEUE_MAX)
		w->queue[w->queued++] = ino.nid;
}

static void erofs_walk_dir(struct erofs_walk *w, uint64_t nid)
{
	struct erofs_inode dir;
	struct erofs_dirent e;
	uint64_t pos = 0;

	if (erofs_inode_get(&w->fs, nid, &dir))
		return;
	while (w->steps++ < WALK_STEPS_MAX &&
	       erofs_dir_next(&w->fs, &dir, &pos, &e) == 1)
		erofs_walk_entry(w, &dir, &e);
}

/* 0 if the image could be opened. */
static int erofs_walk_image(struct erofs_walk *w, const void *base,
			    uint64_t size)
{
	int rc = erofs_open(&w->fs, base, size);

	if (rc)
		return rc;
	w->queued = w->visited = w->steps = 0;
	w->queue[w->queued++] = w->fs.root_nid;
	while (w->visited < w->queued && w->steps < WALK_STEPS_MAX)
		erofs_walk_dir(w, w->queue[w->visited++]);
	return 0;
}

#endif
