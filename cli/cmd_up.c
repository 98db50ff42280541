/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly up: mayflyd in the foreground. It is that program from then on, with
 * the same options, so that there is one table of them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"

/* Beside this program, in a build and where it is installed. */
static int find_daemon(char *path, size_t size, struct err *e)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 2);

	if (n < 0)
		return err_sys(e, errno, "cannot read /proc/self/exe");
	path[n] = '\0';
	if ((size_t)n + 2 >= size || !strrchr(path, '/'))
		return err_set(e, ENAMETOOLONG,
			       "the path of mayfly is too "
			       "long");
	path[n] = 'd';
	path[n + 1] = '\0';
	return access(path, X_OK) == 0 ?
		       0 :
		       err_set(e, ENOENT,
			       "mayflyd is missing: it belongs beside mayfly, "
			       "at %s",
			       path);
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	static char path[4096];
	struct err e;

	(void)cmd;
	(void)argc;
	if (find_daemon(path, sizeof(path), &e) < 0)
		return cmd_fail(STATUS_FAILED, &e);
	argv[0] = path;
	execv(path, argv);
	err_sys(&e, errno, "cannot run %s", path);
	return cmd_fail(STATUS_FAILED, &e);
}

static const struct opt opts[] = { { 0 } };

const struct cmd cmd_up = {
	.name = "up",
	.usage = "[OPTIONS]",
	.summary = "Run the whole platform, in the foreground",
	.opts = opts,
	.run = run,
};
