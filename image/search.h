/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the dynamic loaders of glibc and musl look for a library: run paths
 * with their tokens, and the directories of the system.
 */
#ifndef IMAGE_SEARCH_H
#define IMAGE_SEARCH_H

#include <limits.h>
#include <stdbool.h>

#include "host/err.h"
#include "host/strlist.h"
#include "image/object.h"
#include "image/stage.h"

/* A directory, in the image and on this machine ("": nowhere there). */
struct search_dir {
	char image[PATH_MAX];
	char host[PATH_MAX];
};

#define SEARCH_VARIANTS 2

/*
 * Expands $ORIGIN, $LIB and $PLATFORM in one component, len bytes long, of
 * the run path of `o`. $LIB is `lib`; what $PLATFORM stands for depends on the
 * processor, `variant` counts through the possibilities. False if there is
 * no such variant, or the component names no directory.
 */
bool search_expand(struct search_dir *ret, const struct object *o,
		   const char *lib, const char *text, int variant);

/* What $LIB means to a loader: its text says so. */
const char *search_lib(const struct object *loader);

/*
 * The system's directories as glibc's ldconfig is told them: those of
 * /etc/ld.so.conf, then the ones every system has. Read from this machine,
 * or from the tree if `stage` is not NULL.
 */
int search_system_glibc(struct strlist *ret, const struct stage *stage);
/* musl's: its path file, else the three that are built in. */
int search_system_musl(struct strlist *ret, const struct stage *stage);

#define SEARCH_MUSL_PATH_FILE "/etc/ld-musl-x86_64.path"

#endif
