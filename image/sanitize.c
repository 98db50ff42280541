/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree is walked with fts, which follows no link, and changed by path:
 * nobody else works in it any more.
 */
#include "image/sanitize.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "host/file.h"
#include "image/format.h"

/* How often something happened, and where first. */
struct tally {
	unsigned count;
	char first[128];
};

struct sanitizer {
	size_t root_len;
	struct tally nodes, bits, images;
};

static void count(struct sanitizer *z, struct tally *t, const FTSENT *f)
{
	if (t->count++ == 0)
		snprintf(t->first, sizeof(t->first), "%s",
			 f->fts_path + z->root_len);
}

static bool is_image(const FTSENT *f)
{
	size_t len = f->fts_namelen;
	AUTO_CLOSE int fd = -1;
	struct image_trailer t;
	uint64_t size = (uint64_t)f->fts_statp->st_size;

	if (len < 4 || strcmp(f->fts_name + len - 4, ".img") != 0 ||
	    size < sizeof(t))
		return false;
	fd = open(f->fts_accpath, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd >= 0 &&
	       file_pread(fd, &t, sizeof(t), size - sizeof(t)) == 0 &&
	       memcmp(t.magic, IMAGE_MAGIC, sizeof(t.magic)) == 0;
}

static int drop(struct sanitizer *z, struct tally *t, const FTSENT *f)
{
	count(z, t, f);
	return unlink(f->fts_accpath) < 0 ? -errno : 0;
}

/* Who seals need not be root, but must be able to read everything. */
static int clean_mode(struct sanitizer *z, const FTSENT *f)
{
	mode_t had = f->fts_statp->st_mode & 07777;
	mode_t want = had | (S_ISDIR(f->fts_statp->st_mode) ? 0700 : 0400);

	if (want & (S_ISUID | S_ISGID)) {
		if (f->fts_info != FTS_D)
			count(z, &z->bits, f);
		want &= ~(mode_t)(S_ISUID | S_ISGID);
	}
	return had != want && chmod(f->fts_accpath, want) < 0 ? -errno : 0;
}

static int clean(struct sanitizer *z, const FTSENT *f)
{
	switch (f->fts_info) {
	case FTS_D:
		if (f->fts_level == 1 &&
		    strcmp(f->fts_name, IMAGE_PATH_DIR) == 0)
			return -EEXIST;
		return clean_mode(z, f);
	case FTS_F:
		return is_image(f) ? drop(z, &z->images, f) : clean_mode(z, f);
	case FTS_DEFAULT:
		return drop(z, &z->nodes, f);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return -f->fts_errno;
	default:
		return 0;
	}
}

static int warn(struct source *s, const struct sanitizer *z)
{
	int r;

	r = source_warn_files(s,
			      "left out of the image, for it holds no devices, "
			      "sockets or pipes",
			      z->nodes.first, z->nodes.count);
	if (r == 0)
		r = source_warn_files(s, "setuid and setgid bits are dropped",
				      z->bits.first, z->bits.count);
	if (r == 0)
		r = source_warn_files(s, "mayfly images are left out",
				      z->images.first, z->images.count);
	return r;
}

int sanitize_tree(struct source *s, struct err *e)
{
	char *const paths[] = { s->stage.path, NULL };
	struct sanitizer z = { .root_len = strlen(s->stage.path) };
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *f;
	int r = fts ? 0 : -errno;

	while (fts && r == 0 && (f = fts_read(fts)) != NULL) {
		r = clean(&z, f);
		if (r == -EEXIST)
			err_set(e, EEXIST,
				"the tree holds a directory /%s, which is "
				"mayfly's own",
				IMAGE_PATH_DIR);
		else if (r < 0)
			err_sys(e, -r, "cannot clean %s",
				f->fts_path + z.root_len);
	}
	if (fts)
		fts_close(fts);
	else
		err_sys(e, -r, "cannot look through the tree");
	if (r == 0 && warn(s, &z) < 0)
		r = err_set(e, ENOMEM, "out of memory");
	return r;
}
