/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rewriting every file of a directory tree, in place. The tree belongs to the
 * caller alone and holds copies, not links to files that matter elsewhere.
 */
#ifndef REWRITE_TREE_H
#define REWRITE_TREE_H

#include "host/err.h"
#include "rewrite/report.h"

struct tree_job {
	const char *root; /* a directory */
	/* Paths in the tree, from '/', of files or directories left alone. */
	char *const *excluded;
	unsigned excluded_count;
	bool none; /* all are left alone */
	struct report *report;
};

/* 0, or -errno with *e filled; then the tree may be half rewritten. */
int tree_rewrite(const struct tree_job *job, struct err *e);

#endif
