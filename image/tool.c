/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posix_spawn with the descriptors in order. The caller looks at the status:
 * only it knows what an exit status of that program means.
 */
#include "image/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/cleanup.h"

#define TICK_MS 1000

static void put_fd(posix_spawn_file_actions_t *fa, int fd, int as)
{
	if (fd < 0)
		posix_spawn_file_actions_addopen(fa, as, "/dev/null", O_WRONLY,
						 0);
	else
		posix_spawn_file_actions_adddup2(fa, fd, as);
}

static int spawn(pid_t *ret, const struct tool *t)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	int r;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	put_fd(&fa, t->out_fd, 1);
	put_fd(&fa, t->err_fd, 2);
	posix_spawn_file_actions_addclosefrom_np(&fa, 3);
	posix_spawnattr_init(&attr);
	if (t->mask) {
		posix_spawnattr_setsigmask(&attr, t->mask);
		posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	}
	r = posix_spawnp(ret, t->argv[0], &fa, &attr,
			 (char *const *)(uintptr_t)t->argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&fa);
	return -r;
}

/* Without pidfds nobody sees ticks, and that is all. */
static void watch_until_end(pid_t pid, const struct watch *w)
{
	AUTO_CLOSE int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (fd >= 0 && poll(&p, 1, TICK_MS) == 0)
		w->tick(w->arg);
}

int tool_run(const struct tool *t)
{
	pid_t pid;
	int status, r = spawn(&pid, t);

	if (r < 0)
		return r;
	if (t->watch && t->watch->tick)
		watch_until_end(pid, t->watch);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return status;
}

void tool_complaint(int err_fd, char *ret, int size)
{
	ssize_t n = pread(err_fd, ret, (size_t)size - 1, 0);

	ret[n > 0 ? n : 0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
}
