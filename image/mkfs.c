/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mkfs.erofs with options that make the result depend on the content of the
 * directory alone, and that put every file on pages of its own, in one
 * piece, so that a guest can map it.
 */
#include "image/mkfs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "image/tool.h"

#define MKFS "mkfs.erofs"

/* Time and UUID fixed; no xattrs; one owner; no data beside inodes. */
#define MKFS_TIME "-T0"
#define MKFS_UUID "-U00000000-0000-0000-0000-000000000000"

#define SPACE_LEFT 65536 /* bytes; with less the disk is full */

static bool disk_is_full(const char *out)
{
	struct statvfs fs;

	return statvfs(out, &fs) == 0 &&
	       (uint64_t)fs.f_bavail * fs.f_frsize < SPACE_LEFT;
}

/* Its first line of complaint, or how it ended. */
static int report(const char *out, int err_fd, int status, struct err *e)
{
	char text[160];

	if (WIFSIGNALED(status))
		return err_set(e, EINTR, MKFS " was ended by signal %d",
			       WTERMSIG(status));
	if (disk_is_full(out))
		return err_set(e, ENOSPC,
			       "cannot write the image: the disk of %s is full",
			       out);
	tool_complaint(err_fd, text, sizeof(text));
	if (!text[0])
		return err_set(e, EIO, MKFS " failed with status %d",
			       WEXITSTATUS(status));
	return err_set(e, EIO, MKFS " failed: %s", text);
}

int mkfs_run(const struct mkfs_job *job, struct err *e)
{
	char uid[32], gid[32];
	const char *const argv[] = {
		MKFS,	  "--quiet", uid,	gid,
		"-x-1",	  MKFS_TIME, MKFS_UUID, "-Enoinline_data",
		job->out, job->dir,  NULL,
	};
	AUTO_CLOSE int err_fd = memfd_create("mkfs", MFD_CLOEXEC);
	const struct tool tool = { argv, -1, err_fd, job->mask, job->watch };
	int r;

	if (err_fd < 0)
		return err_sys(e, errno, "cannot run " MKFS);
	snprintf(uid, sizeof(uid), "--force-uid=%u", job->uid);
	snprintf(gid, sizeof(gid), "--force-gid=%u", job->gid);
	r = tool_run(&tool);
	if (r == -ENOENT)
		return err_set(e, ENOPKG,
			       MKFS " is not installed; install "
				    "the package erofs-utils");
	if (r < 0)
		return err_sys(e, -r, "cannot run " MKFS);
	return r ? report(job->out, err_fd, r, e) : 0;
}

int mkfs_probe(void)
{
	const char *const argv[] = { MKFS, "--help", NULL };
	const struct tool tool = { argv, -1, -1, NULL, NULL };
	int r = tool_run(&tool);

	return r < 0 ? r : 0;
}
