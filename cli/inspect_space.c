/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What takes the space in an image: the files of a directory count for it, or
 * for the one at depth PARTS above it, so that one line stands for a package.
 */
#include "cli/inspect_space.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cmd.h"
#include "host/cleanup.h"
#include "image/walk.h"

#define PARTS 3 /* components of a path that are told apart */
#define SHOWN 8 /* directories; the others are summed up */

struct place {
	char *dir;
	uint64_t bytes;
};

struct places {
	struct place *items;
	size_t count, room;
};

static void places_fini(struct places *p)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		free(p->items[i].dir);
	free(p->items);
}

/* The length of the directory that a file counts for. */
static size_t dir_len(const char *path)
{
	const char *slash = path, *next;
	int parts;

	for (parts = 0; parts < PARTS; parts++) {
		next = strchr(slash + 1, '/');
		if (!next)
			break;
		slash = next;
	}
	return slash == path ? 1 : (size_t)(slash - path);
}

static int places_grow(struct places *p)
{
	size_t room = p->room ? 2 * p->room : 64;
	struct place *items;

	if (p->items && p->count < p->room)
		return 0;
	items = reallocarray(p->items, room, sizeof(*items));
	if (!items)
		return -ENOMEM;
	p->items = items;
	p->room = room;
	return 0;
}

/* Files come in the order of their directories: mostly it is the last one. */
static int add_file(void *arg, const char *path, const struct erofs_inode *ino)
{
	struct places *p = arg;
	struct place *last = p->count ? &p->items[p->count - 1] : NULL;
	size_t len = dir_len(path);
	char *dir;

	if (!S_ISREG(ino->mode))
		return 0;
	if (last && strlen(last->dir) == len &&
	    memcmp(last->dir, path, len) == 0) {
		last->bytes += ino->size;
		return 0;
	}
	dir = places_grow(p) == 0 ? strndup(path, len) : NULL;
	if (!dir)
		return -ENOMEM;
	p->items[p->count++] = (struct place){ dir, ino->size };
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct place *)a)->dir,
		      ((const struct place *)b)->dir);
}

static int by_size(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return by_name(a, b);
}

/* Makes one of all places of one name. */
static void places_merge(struct places *p)
{
	size_t i, kept = 0;

	if (p->count == 0)
		return;
	qsort(p->items, p->count, sizeof(*p->items), by_name);
	for (i = 1; i < p->count; i++) {
		if (strcmp(p->items[kept].dir, p->items[i].dir) != 0) {
			p->items[++kept] = p->items[i];
			continue;
		}
		p->items[kept].bytes += p->items[i].bytes;
		free(p->items[i].dir);
	}
	p->count = kept + 1;
}

static void print_place(const char *dir, uint64_t bytes, uint64_t all)
{
	printf("  %5.1f%% %10" PRIu64 "  ",
	       all ? 100.0 * (double)bytes / (double)all : 0.0, bytes);
	cmd_print_text(dir);
	putchar('\n');
}

int inspect_space(const struct image *img, struct err *e)
{
	struct places p = { 0 };
	uint64_t all = 0, shown = 0;
	size_t i;
	int r = image_walk(img, add_file, &p);

	if (r < 0) {
		places_fini(&p);
		return err_sys(e, -r, "cannot read the files of %s", img->path);
	}
	places_merge(&p);
	if (p.count > 0)
		qsort(p.items, p.count, sizeof(*p.items), by_size);
	for (i = 0; i < p.count; i++)
		all += p.items[i].bytes;
	printf("space\n");
	for (i = 0; i < p.count && i < SHOWN; i++) {
		print_place(p.items[i].dir, p.items[i].bytes, all);
		shown += p.items[i].bytes;
	}
	if (i < p.count)
		print_place("all others", all - shown, all);
	places_fini(&p);
	return 0;
}
