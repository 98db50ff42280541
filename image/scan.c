/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks the tree with fts, without following any link.
 */
#include "image/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>

#include "host/cleanup.h"
#include "host/file.h"

static int compare(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool is_elf(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char magic[4];

	return fd >= 0 && file_pread(fd, magic, sizeof(magic), 0) == 0 &&
	       memcmp(magic, "\177ELF", sizeof(magic)) == 0;
}

int scan_elf(const struct stage *s, struct strlist *ret)
{
	char *const paths[] = { s->path, NULL };
	const size_t root = strlen(s->path);
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, compare);
	FTSENT *f;
	int r = 0;

	if (!fts)
		return -errno;
	errno = 0;
	while (r == 0 && (f = fts_read(fts)) != NULL) {
		if (f->fts_info == FTS_F && f->fts_statp->st_size > 64 &&
		    is_elf(f->fts_accpath))
			r = strlist_add(ret, f->fts_path + root);
		errno = 0;
	}
	if (r == 0 && errno)
		r = -errno;
	fts_close(fts);
	return r;
}
