/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program that the sealer needs, with nothing of ours open in it but
 * what is said here, and waits for its end.
 */
#ifndef IMAGE_TOOL_H
#define IMAGE_TOOL_H

#include <signal.h>

#include "image/source.h"

struct tool {
	const char *const *argv; /* argv[0] without a slash: see PATH */
	int out_fd, err_fd; /* -1: /dev/null */
	const sigset_t *mask; /* signal mask of the program; NULL: ours */
	const struct watch *watch; /* gets its ticks; NULL: nobody */
};

/* Its wait status, or -errno if it could not be run. */
int tool_run(const struct tool *t);

/*
 * The first line that it wrote to err_fd, without the newline; empty if there
 * is none.
 */
void tool_complaint(int err_fd, char *ret, int size);

#endif
