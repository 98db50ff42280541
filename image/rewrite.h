/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rewriting the system calls of a tree, by the program mayfly-rewrite. Its
 * report becomes a file of the tree.
 */
#ifndef IMAGE_REWRITE_H
#define IMAGE_REWRITE_H

#include <signal.h>

#include "image/source.h"

/*
 * s->config says what is left alone: each such path must exist. `mask` is
 * the signal mask of the program.
 */
int rewrite_source(struct source *s, const char *rewriter, const sigset_t *mask,
		   struct err *e);

/* 0, or -errno if the program cannot be run on this machine. */
int rewrite_probe(const char *rewriter);

#endif
