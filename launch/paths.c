/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the monitor and the guest kernel beside this program. Never through
 * PATH or the environment: they must be of the same build.
 */
#include "launch/paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int pick(char ret[PATHS_MAX], const char *dir, const char *near,
		const char *installed)
{
	snprintf(ret, PATHS_MAX, "%s/%s", dir, near);
	if (access(ret, R_OK) == 0)
		return 0;
	snprintf(ret, PATHS_MAX, "%s/%s", dir, installed);
	return access(ret, R_OK) == 0 ? 0 : -errno;
}

/* The directory that this program lies in. */
static int own_dir(char ret[PATHS_MAX - 64])
{
	ssize_t n = readlink("/proc/self/exe", ret, PATHS_MAX - 65);
	char *slash;

	if (n < 0)
		return -errno;
	ret[n] = '\0';
	slash = strrchr(ret, '/');
	if (slash)
		*slash = '\0';
	return 0;
}

int paths_find(struct paths *ret, struct err *e)
{
	char dir[PATHS_MAX - 64];
	int r = own_dir(dir);

	if (r < 0)
		return err_sys(e, -r, "cannot read /proc/self/exe");
	if (pick(ret->monitor, dir, "mayfly-monitor",
		 "../libexec/mayfly/mayfly-monitor") < 0)
		return err_set(e, ENOENT,
			       "mayfly-monitor is missing: it "
			       "belongs beside mayfly in %s",
			       dir);
	if (pick(ret->rewriter, dir, "mayfly-rewrite",
		 "../libexec/mayfly/mayfly-rewrite") < 0)
		return err_set(e, ENOENT,
			       "mayfly-rewrite is missing: it belongs beside "
			       "mayfly in %s",
			       dir);
	if (pick(ret->kernel, dir, "../kernel", "../lib/mayfly/kernel") < 0)
		return err_set(e, ENOENT,
			       "the guest kernel is missing: it "
			       "belongs in %s/../lib/mayfly",
			       dir);
	return 0;
}

int paths_libexec(char ret[PATHS_MAX])
{
	char dir[PATHS_MAX - 64];
	int r = own_dir(dir);

	if (r == 0)
		r = pick(ret, dir, "mayfly-monitor",
			 "../libexec/mayfly/mayfly-monitor");
	if (r == 0)
		*strrchr(ret, '/') = '\0';
	return r;
}

int paths_program(char ret[PATHS_MAX], struct err *e)
{
	char dir[PATHS_MAX - 64];
	int r = own_dir(dir);

	if (r == 0)
		r = pick(ret, dir, "mayfly", "../../bin/mayfly");
	return r < 0 ? err_sys(e, -r,
			       "mayfly is missing: it belongs beside "
			       "mayflyd") :
		       0;
}

int paths_builders(char ret[PATHS_MAX])
{
	char dir[PATHS_MAX - 64];
	int r = own_dir(dir);

	return r < 0 ? r :
		       pick(ret, dir, "../builders",
			    "../libexec/mayfly/builders");
}

int paths_compare(char ret[PATHS_MAX], struct err *e)
{
	char dir[PATHS_MAX - 64];
	int r = own_dir(dir);

	if (r < 0)
		return err_sys(e, -r, "cannot read /proc/self/exe");
	if (pick(ret, dir, "../compare/main.py",
		 "../libexec/mayfly/compare/main.py") < 0)
		return err_set(e, ENOENT,
			       "the comparison is missing: it belongs in "
			       "%s/../libexec/mayfly/compare, where make "
			       "install puts it",
			       dir);
	return 0;
}

int paths_state(char ret[PATHS_MAX], struct err *e)
{
	const char *state = getenv("MAYFLY_STATE");
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int n;

	if (state && *state)
		n = snprintf(ret, PATHS_MAX, "%s", state);
	else if (xdg && xdg[0] == '/')
		n = snprintf(ret, PATHS_MAX, "%s/mayfly", xdg);
	else if (home && home[0] == '/')
		n = snprintf(ret, PATHS_MAX, "%s/.local/state/mayfly", home);
	else
		return err_set(e, EINVAL,
			       "no place for the state: set MAYFLY_STATE, or "
			       "say --state DIR");
	return n < PATHS_MAX ? 0 :
			       err_set(e, ENAMETOOLONG,
				       "the path of the state directory "
				       "is too long");
}
