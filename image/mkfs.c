/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mkfs.erofs with options that make the result depend on the content of the
 * directory alone, and that put every file on pages of its own, in one
 * piece, so that a guest can map it.
 */
#include "image/mkfs.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/cleanup.h"

#define MKFS "mkfs.erofs"

/* Time and UUID fixed; no xattrs; owned by root; no data beside inodes. */
#define MKFS_TIME "-T0"
#define MKFS_UUID "-U00000000-0000-0000-0000-000000000000"

static int spawn(pid_t *ret, char *const argv[], int err_fd,
		 const sigset_t *mask)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	int r;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY, 0);
	if (err_fd >= 0)
		posix_spawn_file_actions_adddup2(&fa, err_fd, 2);
	posix_spawn_file_actions_addclosefrom_np(&fa, 3);
	posix_spawnattr_init(&attr);
	if (mask) {
		posix_spawnattr_setsigmask(&attr, mask);
		posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	}
	r = posix_spawnp(ret, argv[0], &fa, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&fa);
	return -r;
}

static int wait_status(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return status;
}

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
	ssize_t n = pread(err_fd, text, sizeof(text) - 1, 0);

	if (WIFSIGNALED(status))
		return err_set(e, EINTR, MKFS " was ended by signal %d",
			       WTERMSIG(status));
	if (disk_is_full(out))
		return err_set(e, ENOSPC,
			       "cannot write the image: the disk of %s is full",
			       out);
	if (n <= 0)
		return err_set(e, EIO, MKFS " failed with status %d",
			       WEXITSTATUS(status));
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return err_set(e, EIO, MKFS " failed: %s", text);
}

int mkfs_run(const char *out, const char *dir, const sigset_t *mask,
	     struct err *e)
{
	const char *const argv[] = {
		MKFS,	   "--quiet",	      "--all-root", "-x-1", MKFS_TIME,
		MKFS_UUID, "-Enoinline_data", out,	    dir,    NULL,
	};
	AUTO_CLOSE int err_fd = memfd_create("mkfs", MFD_CLOEXEC);
	pid_t pid;
	int r;

	if (err_fd < 0)
		return err_sys(e, errno, "cannot run " MKFS);
	r = spawn(&pid, (char *const *)(uintptr_t)argv, err_fd, mask);
	if (r == -ENOENT)
		return err_set(e, ENOPKG,
			       MKFS " is not installed; install "
				    "the package erofs-utils");
	if (r < 0)
		return err_sys(e, -r, "cannot run " MKFS);
	r = wait_status(pid);
	if (r != 0)
		return report(out, err_fd, r < 0 ? 0 : r, e);
	return 0;
}

int mkfs_probe(void)
{
	const char *const argv[] = { MKFS, "--help", NULL };
	AUTO_CLOSE int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	pid_t pid;
	int r;

	r = spawn(&pid, (char *const *)(uintptr_t)argv, null, NULL);
	if (r == 0)
		wait_status(pid);
	return r;
}
