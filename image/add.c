/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Additions to the tree. What is read is remembered, directories too: their
 * times tell when a file appears in them.
 */
#include "image/add.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/cleanup.h"

struct add {
	struct source *s;
	char host[PATH_MAX]; /* real path */
	char image[PATH_MAX];
	unsigned dropped, bits;
	char path[PATH_MAX], here[PATH_MAX], target[PATH_MAX]; /* work space */
	char first_dropped[PATH_MAX], first_bits[PATH_MAX];
};

/* The last ':' that is followed by '/' or stands before a relative path. */
static int split(struct add *a, const char *base, const char *spec,
		 struct err *e)
{
	AUTO_FREE char *host = strdup(spec);
	char *colon = host ? strrchr(host, ':') : NULL;

	if (!host)
		return err_set(e, ENOMEM, "out of memory");
	if (colon)
		*colon = '\0';
	if (!host[0] || (colon && colon[1] != '/'))
		return err_set(e, EINVAL,
			       "%s is not HOSTPATH or "
			       "HOSTPATH:IMAGEPATH with an absolute IMAGEPATH",
			       spec);
	if (stage_normalize(a->image, "/", colon ? colon + 1 : host) < 0)
		return err_set(e, ENAMETOOLONG, "the path %s is too long",
			       spec);
	if (snprintf(a->path, PATH_MAX, "%s%s%s",
		     base && host[0] != '/' ? base : "",
		     base && host[0] != '/' ? "/" : "", host) >= PATH_MAX)
		return err_set(e, ENAMETOOLONG, "the path %s is too long",
			       spec);
	if (!realpath(a->path, a->host))
		return err_sys(e, errno, "cannot add %s", host);
	return 0;
}

static mode_t clean_mode(struct add *a, const char *path, mode_t mode)
{
	mode_t keep = S_ISDIR(mode) ? 01777 : 0777;

	if ((mode & (S_ISUID | S_ISGID)) && a->bits++ == 0)
		snprintf(a->first_bits, PATH_MAX, "%s", path);
	return mode & keep;
}

static int add_link(struct add *a, const char *image, const FTSENT *f,
		    struct err *e)
{
	ssize_t n = readlink(f->fts_accpath, a->target, PATH_MAX - 1);

	if (n < 0)
		return err_sys(e, errno, "cannot read %s", f->fts_path);
	a->target[n] = '\0';
	if (inputs_add_link(&a->s->inputs, f->fts_path) < 0)
		return err_set(e, ENOMEM, "too many files");
	return stage_put_link(&a->s->stage, image, a->target, e);
}

static int add_dir(struct add *a, const char *image, const FTSENT *f,
		   struct err *e)
{
	mode_t mode = clean_mode(a, image, f->fts_statp->st_mode);

	if (inputs_add(&a->s->inputs, f->fts_path, f->fts_statp) < 0)
		return err_set(e, ENOMEM, "too many files");
	return stage_put_dir(&a->s->stage, image, mode, e);
}

static int add_entry(struct add *a, const FTSENT *f, struct err *e)
{
	const char *image = a->here;

	if (snprintf(a->path, PATH_MAX, "%s%s", a->image,
		     f->fts_path + strlen(a->host)) >= PATH_MAX ||
	    stage_normalize(a->here, "/", a->path) < 0)
		return err_set(e, ENAMETOOLONG, "the path %s is too long",
			       f->fts_path);
	switch (f->fts_info) {
	case FTS_D:
		return add_dir(a, image, f, e);
	case FTS_F:
		return source_copy(a->s, image, f->fts_path,
				   clean_mode(a, image, f->fts_statp->st_mode),
				   e);
	case FTS_SL:
	case FTS_SLNONE:
		return add_link(a, image, f, e);
	case FTS_DEFAULT:
		if (a->dropped++ == 0)
			snprintf(a->first_dropped, PATH_MAX, "%s", image);
		return 0;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return err_sys(e, f->fts_errno, "cannot read %s", f->fts_path);
	default:
		return 0;
	}
}

static int compare(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int walk(struct add *a, struct err *e)
{
	char *const paths[] = { a->host, NULL };
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, compare);
	FTSENT *f;
	int r = 0;

	if (!fts)
		return err_sys(e, errno, "cannot read %s", a->host);
	while (r == 0 && (f = fts_read(fts)) != NULL)
		r = add_entry(a, f, e);
	fts_close(fts);
	return r;
}

static int warn(struct add *a, struct err *e)
{
	int r;

	r = source_warn_files(a->s,
			      "left out of the image, for it holds no devices, "
			      "sockets or pipes",
			      a->first_dropped, a->dropped);
	if (r == 0)
		r = source_warn_files(a->s,
				      "setuid and setgid bits are dropped",
				      a->first_bits, a->bits);
	return r < 0 ? err_set(e, ENOMEM, "out of memory") : 0;
}

int add_host(struct source *s, const char *base, const char *spec,
	     struct err *e)
{
	AUTO_FREE struct add *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return err_set(e, ENOMEM, "out of memory");
	a->s = s;
	source_step(s, "adding %s", spec);
	r = split(a, base, spec, e);
	if (r == 0)
		r = source_add_origin(s, a->image, a->host, e);
	if (r == 0)
		r = walk(a, e);
	return r == 0 ? warn(a, e) : r;
}
