/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock of a state directory. The file stays when the lock ends: removing
 * it would let two others lock two files of the same name. It holds the pid
 * of who locked it last, for the message only.
 */
#include "daemon/registry/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "host/file.h"

static int say_holder(int fd, const char *dir, struct err *e)
{
	char pid[24] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? strspn(pid, "0123456789") : 0] = '\0';
	return err_set(e, EBUSY,
		       "another mayflyd%s%s%s uses %s; stop that one, or "
		       "choose another directory with --state",
		       pid[0] ? ", pid " : "", pid, pid[0] ? "," : "", dir);
}

int state_lock(const char *state_dir, struct err *e)
{
	AUTO_FREE char *path = NULL;
	AUTO_CLOSE int fd = -1;
	int r = file_mkdirs(state_dir);

	if (r < 0)
		return err_sys(e, -r, "cannot make %s", state_dir);
	if (asprintf(&path, "%s/lock", state_dir) < 0) {
		path = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(e, errno, "cannot open %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ?
			       say_holder(fd, state_dir, e) :
			       err_sys(e, errno, "cannot lock %s", path);
	/* For the message only: a full disk is no reason to stop here. */
	if (ftruncate(fd, 0) == 0)
		(void)!dprintf(fd, "%d\n", getpid());
	return take_fd(&fd);
}
