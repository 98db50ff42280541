/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly bench compare: becomes the comparison with containers, a program in
 * Python that came with mayfly (bench/compare). It has the options, and runs
 * this very mayfly.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd_bench.h"
#include "host/cleanup.h"
#include "launch/paths.h"

/*
 * Not through PATH: the packages that it imports are Debian's, for Debian's
 * Python. -B: nothing is written beside what was installed.
 */
static char python[] = "/usr/bin/python3", options[] = "-B";

/* Returns only if it cannot. */
static int become(char *main_py, int argc, char **argv, struct err *e)
{
	AUTO_FREE char **words = calloc((size_t)argc + 3, sizeof(*words));

	if (!words)
		return err_set(e, ENOMEM, "out of memory");
	words[0] = python;
	words[1] = options;
	words[2] = main_py;
	memcpy(words + 3, argv + 1, ((size_t)argc - 1) * sizeof(*words));
	execv(python, words);
	if (errno == ENOENT)
		return err_set(e, ENOENT,
			       "%s is missing, and the comparison is written "
			       "in Python; install Debian's package python3",
			       python);
	return err_sys(e, errno, "cannot run %s", python);
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	char main_py[PATHS_MAX], program[PATHS_MAX];
	struct err e;
	int r;

	(void)cmd;
	if (paths_compare(main_py, &e) < 0)
		return cmd_fail(STATUS_NOT_FOUND, &e);
	if (paths_program(program, &e) < 0)
		return cmd_fail(STATUS_FAILED, &e);
	if (setenv("MAYFLY", program, 1) < 0) {
		err_sys(&e, errno, "cannot set MAYFLY");
		return cmd_fail(STATUS_FAILED, &e);
	}
	r = become(main_py, argc, argv, &e);
	return cmd_fail(r == -ENOENT ? STATUS_NOT_FOUND : STATUS_FAILED, &e);
}

const struct cmd cmd_bench_compare = { .name = "bench compare", .run = run };
