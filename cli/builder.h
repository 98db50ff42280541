/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builders: directories with two programs, detect and build, that turn a
 * source into a tree. docs/builders.md is their contract.
 */
#ifndef CLI_BUILDER_H
#define CLI_BUILDER_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/progress.h"
#include "host/err.h"
#include "image/source.h"

struct builder {
	char *name;
	char *dir; /* absolute */
};

/* In the order in which they are asked. */
struct builders {
	struct builder *items;
	size_t count;
};

/*
 * The user's builders, then those that came with mayfly; of two with one
 * name the first counts.
 */
int builders_find(struct builders *ret, struct err *e);
void builders_fini(struct builders *l);

#define AUTO_BUILDERS __attribute__((cleanup(builders_fini)))

/* -EINVAL and a sentence with the names there are if it is none of them. */
int builders_get(const struct builders *l, const char *name,
		 const struct builder **ret, struct err *e);

/*
 * The first that recognizes the source; a line on stderr if others do too.
 * NULL in *ret if none does.
 */
int builders_detect(const struct builders *l, const struct source *s,
		    const char *path, const struct builder **ret,
		    struct err *e);

struct build_job {
	const struct builder *builder;
	const char *source; /* absolute path, or a reference */
	const char *entry; /* MAYFLY_ENTRY for it; NULL: not said */
	struct progress *progress;
};

/*
 * Builds into the tree of *s, which has none yet. -ECHILD if the builder
 * failed; what it wrote was then printed.
 */
int builder_run(struct source *s, const struct build_job *job, struct err *e);

#endif
