/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A root file system in a temporary directory, on its way into an image. It
 * is removed as a whole by stage_drop(), also when half-built. Paths are
 * those of the image and begin with '/'; symbolic links on the way are
 * followed inside the root and never leave it.
 */
#ifndef IMAGE_STAGE_H
#define IMAGE_STAGE_H

#include <limits.h>
#include <sys/stat.h>

#include "host/err.h"

struct stage {
	int fd; /* the root; -1: none yet */
	char *path; /* its path, OUT/rootfs; owned */
	char *out; /* TEMP/out, empty at first; owned */
	char *temp; /* the temporary directory; owned */
};

/* Makes the temporary directory under $TMPDIR or /tmp, without a root. */
int stage_init(struct stage *s, struct err *e);
/* Makes the root, or opens the one that somebody put there. */
int stage_make_root(struct stage *s, struct err *e);
int stage_open_root(struct stage *s, struct err *e);
/* Adds what is missing of the standard tree of docs/formats/image.md. */
int stage_add_standard(const struct stage *s, struct err *e);

/* A descriptor or -errno, as open(2); not for creating. */
int stage_open(const struct stage *s, const char *path, int flags);
/* Directories above `path` are made; what was at `path` is replaced. */
int stage_put_text(const struct stage *s, const char *path, const char *text,
		   struct err *e);
int stage_put_copy(const struct stage *s, const char *path, int src_fd,
		   mode_t mode, struct err *e);
int stage_put_link(const struct stage *s, const char *path, const char *target,
		   struct err *e);
/* Makes the directory unless there is one; others above it get 0755. */
int stage_put_dir(const struct stage *s, const char *path, mode_t mode,
		  struct err *e);
void stage_drop(struct stage *s);

#define AUTO_STAGE __attribute__((cleanup(stage_drop)))

/*
 * Writes `path` without empty, "." and ".." components, the latter never
 * above the root, to ret. A relative path is taken from `base`.
 * -ENAMETOOLONG if it does not fit.
 */
int stage_normalize(char ret[PATH_MAX], const char *base, const char *path);

#endif
