/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A root file system in a temporary directory, on its way into an image. It
 * is removed as a whole by stage_drop(), also when half-built.
 */
#ifndef IMAGE_STAGE_H
#define IMAGE_STAGE_H

#include <sys/stat.h>

#include "host/err.h"

struct stage {
	int fd; /* the directory; -1: none */
	char *path; /* owned */
};

/* Makes the directory under $TMPDIR or /tmp and the standard tree in it. */
int stage_init(struct stage *s, struct err *e);
/* Paths are relative to the root and their directories exist. */
int stage_put_text(const struct stage *s, const char *path, const char *text,
		   struct err *e);
int stage_put_copy(const struct stage *s, const char *path, int src_fd,
		   mode_t mode, struct err *e);
void stage_drop(struct stage *s);

#define AUTO_STAGE __attribute__((cleanup(stage_drop)))

#endif
