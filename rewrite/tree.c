/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk. Symbolic links are not followed, files with several names are
 * rewritten under the first, and what is not an ELF file is only opened.
 */
#include "rewrite/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cleanup.h"

#define ELF_MIN 64 /* bytes of an ELF header */

struct seen {
	dev_t dev;
	ino_t ino;
};

struct walk {
	const struct tree_job *job;
	struct seen *seen; /* files with several names */
	size_t seen_count, seen_room;
};

static int out_of_memory(struct err *e)
{
	return err_set(e, ENOMEM, "out of memory");
}

static bool is_excluded(const struct tree_job *job, const char *path)
{
	for (unsigned i = 0; i < job->excluded_count; i++) {
		size_t len = strlen(job->excluded[i]);

		while (len > 1 && job->excluded[i][len - 1] == '/')
			len--;
		if (strncmp(path, job->excluded[i], len) == 0 &&
		    (path[len] == '\0' || path[len] == '/' || len == 1))
			return true;
	}
	return job->none;
}

/*
 * Programs and libraries that verify themselves have their checksum in a file
 * beside them: .NAME.hmac or NAME.hmac (fipscheck, libkcapi, GnuTLS), NAME.chk
 * or, for NAME.so, NAME.chk (NSS).
 */
static bool is_verified(const char *at)
{
	const char *slash = strrchr(at, '/'), *name = slash ? slash + 1 : at;
	int dir = (int)(name - at), stem = (int)strlen(name);
	static const struct {
		const char *before, *behind;
	} forms[] = { { ".", ".hmac" }, { "", ".hmac" }, { "", ".chk" } };
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		snprintf(path, sizeof(path), "%.*s%s%s%s", dir, at,
			 forms[i].before, name, forms[i].behind);
		if (access(path, F_OK) == 0)
			return true;
	}
	if (stem < 3 || strcmp(name + stem - 3, ".so") != 0)
		return false;
	snprintf(path, sizeof(path), "%.*s%.*s.chk", dir, at, stem - 3, name);
	return access(path, F_OK) == 0;
}

static enum rewrite_mode mode_of(const struct tree_job *job, const char *path,
				 const char *at)
{
	if (is_excluded(job, path))
		return REWRITE_EXCLUDED;
	return is_verified(at) ? REWRITE_VERIFIED : REWRITE;
}

/* 1: the file was met under another name; 0: it was not, and is now. */
static int met_before(struct walk *w, const struct stat *st)
{
	if (st->st_nlink < 2)
		return 0;
	for (size_t i = 0; i < w->seen_count; i++) {
		if (w->seen[i].dev == st->st_dev &&
		    w->seen[i].ino == st->st_ino)
			return 1;
	}
	if (w->seen_count == w->seen_room) {
		size_t room = w->seen_room ? 2 * w->seen_room : 64;
		struct seen *n = reallocarray(w->seen, room, sizeof(*n));

		if (!n)
			return -ENOMEM;
		w->seen = n;
		w->seen_room = room;
	}
	w->seen[w->seen_count++] = (struct seen){ st->st_dev, st->st_ino };
	return 0;
}

/* Those of the new bytes that differ from the old ones, by blocks. */
static int write_changes(int fd, const struct rewritten *r)
{
	const uint64_t block = 4096;
	uint64_t at, len;

	for (at = 0; at < r->out_size; at += len) {
		ssize_t n;

		len = r->out_size - at < block ? r->out_size - at : block;
		if (at + len <= r->view.size &&
		    memcmp(r->out + at, r->view.buf + at, len) == 0)
			continue;
		n = pwrite(fd, r->out + at, len, (off_t)at);
		if (n != (ssize_t)len)
			return n < 0 ? -errno : -ENOSPC;
	}
	return 0;
}

/* Opened for writing although its mode may not allow that. */
static int write_file(const char *at, mode_t mode, const struct rewritten *r)
{
	AUTO_CLOSE int fd = open(at, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	int err;

	if (fd < 0 && errno == EACCES && chmod(at, mode | S_IWUSR) == 0) {
		fd = open(at, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
		err = errno;
		if (chmod(at, mode) < 0 || fd < 0)
			return -err;
	}
	return fd < 0 ? -errno : write_changes(fd, r);
}

static int rewrite_mapped(const struct walk *w, const FTSENT *f,
			  const void *map, struct err *e)
{
	const char *path = f->fts_path + strlen(w->job->root);
	const char *at = f->fts_accpath;
	struct rewritten r;
	int err = rewrite_file(&r, map, (uint64_t)f->fts_statp->st_size,
			       mode_of(w->job, path, at));

	if (err)
		return out_of_memory(e);
	if (report_add(w->job->report, path, &r) < 0)
		err = out_of_memory(e);
	if (!err && r.out)
		err = write_file(at, f->fts_statp->st_mode & 07777, &r);
	if (err && err != -ENOMEM)
		err_sys(e, -err, "cannot rewrite the system calls of %s", path);
	rewritten_fini(&r);
	return err;
}

static int rewrite_one(struct walk *w, const FTSENT *f, struct err *e)
{
	static const char magic[4] = { 0x7f, 'E', 'L', 'F' };
	size_t size = (size_t)f->fts_statp->st_size;
	AUTO_CLOSE int fd = -1;
	void *map;
	int err = 0;

	if (size < ELF_MIN)
		return 0;
	fd = open(f->fts_accpath, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	/* What may not be read cannot be put into an image, which is said
	 * there. */
	if (fd < 0 && errno == EACCES)
		return 0;
	if (fd < 0)
		return err_sys(e, errno, "cannot read %s", f->fts_path);
	map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return err_sys(e, errno, "cannot read %s", f->fts_path);
	if (memcmp(map, magic, sizeof(magic)) == 0) {
		err = met_before(w, f->fts_statp);
		if (err < 0)
			out_of_memory(e);
		else if (err == 0)
			err = rewrite_mapped(w, f, map, e);
	}
	munmap(map, size);
	return err < 0 ? err : 0;
}

static int visit(struct walk *w, const FTSENT *f, struct err *e)
{
	switch (f->fts_info) {
	case FTS_F:
		return S_ISREG(f->fts_statp->st_mode) ? rewrite_one(w, f, e) :
							0;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return err_sys(e, f->fts_errno, "cannot read %s", f->fts_path);
	default:
		return 0;
	}
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

int tree_rewrite(const struct tree_job *job, struct err *e)
{
	char *const roots[] = { (char *)(uintptr_t)job->root, NULL };
	struct walk w = { .job = job };
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	const FTSENT *f;
	int err = 0;

	if (!fts)
		return err_sys(e, errno, "cannot read %s", job->root);
	errno = 0;
	while (!err && (f = fts_read(fts)))
		err = visit(&w, f, e);
	if (!err && errno)
		err = err_sys(e, errno, "cannot read %s", job->root);
	fts_close(fts);
	free(w.seen);
	return err;
}
