/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a link leads to in the image is asked of the kernel, with the tree as
 * the root; what it leads to here, of the place that it was copied from.
 */
#include "image/links.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/cleanup.h"

struct links {
	struct source *s;
	unsigned lost, loops; /* how many, and the first: */
	char first_lost[PATH_MAX], first_loop[PATH_MAX];
	/* work space: */
	char target[PATH_MAX], dir[PATH_MAX], here[PATH_MAX], host[PATH_MAX];
};

/* Made when a program runs: no image has anything there. */
static bool is_made_later(const char *path)
{
	static const char *const dirs[] = { "/dev",	"/proc", "/run",
					    "/sys",	"/tmp",	 "/var/run",
					    "/var/tmp", NULL };
	size_t i, len;

	for (i = 0; dirs[i]; i++) {
		len = strlen(dirs[i]);
		if (strncmp(path, dirs[i], len) == 0 &&
		    (path[len] == '/' || path[len] == '\0'))
			return true;
	}
	return false;
}

/* The directory of a path; "/" for one in the root. */
static void dir_of(char ret[PATH_MAX], const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash == path ? 1 : (size_t)(slash - path);

	memcpy(ret, path, len);
	ret[len] = '\0';
}

/* Does the link at `path` in the image, to l->target, lead to a file here? */
static bool leads_here(struct links *l, const char *path)
{
	struct stat st;

	dir_of(l->dir, path);
	if (stage_normalize(l->here, l->dir, l->target) < 0 ||
	    is_made_later(l->here))
		return false;
	if (l->target[0] == '/')
		return stat(l->target, &st) == 0;
	return source_origin(l->s, path, l->host) && stat(l->host, &st) == 0;
}

static int check(struct links *l, const FTSENT *f, const char *path)
{
	int fd = stage_open(&l->s->stage, path, O_PATH);
	ssize_t n;

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (fd == -ELOOP) {
		if (l->loops++ == 0)
			snprintf(l->first_loop, PATH_MAX, "%s", path);
		return 0;
	}
	n = readlink(f->fts_accpath, l->target, PATH_MAX - 1);
	if (n < 0)
		return -errno;
	l->target[n] = '\0';
	if (!leads_here(l, path))
		return 0;
	if (l->lost++ == 0)
		snprintf(l->first_lost, PATH_MAX, "%s", path);
	return unlink(f->fts_accpath) < 0 ? -errno : 0;
}

static int compare(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int walk(struct links *l, struct err *e)
{
	char *const paths[] = { l->s->stage.path, NULL };
	size_t root_len = strlen(l->s->stage.path);
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, compare);
	FTSENT *f;
	int r = 0;

	if (!fts)
		return err_sys(e, errno, "cannot look through the tree");
	while (r == 0 && (f = fts_read(fts)) != NULL) {
		if (f->fts_info != FTS_SL && f->fts_info != FTS_SLNONE)
			continue;
		r = check(l, f, f->fts_path + root_len);
		if (r < 0)
			err_sys(e, -r, "cannot check the link %s",
				f->fts_path + root_len);
	}
	fts_close(fts);
	return r;
}

int links_check(struct source *s, struct err *e)
{
	AUTO_FREE struct links *l = NULL;
	int r;

	if (!s->config.libraries)
		return 0;
	l = calloc(1, sizeof(*l));
	if (!l)
		return err_set(e, ENOMEM, "out of memory");
	l->s = s;
	r = walk(l, e);
	if (r < 0)
		return r;
	if (source_warn_files(s,
			      "links are left out, for what they lead to is "
			      "not in the image (--add puts it there)",
			      l->first_lost, l->lost) < 0 ||
	    source_warn_files(s, "links go round in a circle", l->first_loop,
			      l->loops) < 0)
		return err_set(e, ENOMEM, "out of memory");
	return 0;
}
