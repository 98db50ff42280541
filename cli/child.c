/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Child programs. The end of the program counts, not the end of its output:
 * a process that it left behind may hold the pipe open. It is waited for only
 * after its group was killed, so that the group's number cannot be another's.
 */
#include "cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "host/sigguard.h"

#define LINE_SIZE 4096 /* longer lines are cut in pieces */
#define TICK_MS	  1000
#define GRACE_MS  5000 /* from SIGTERM to SIGKILL */

struct run {
	const struct child *c;
	pid_t pid;
	int out, pidfd, sigfd;
	char line[LINE_SIZE];
	size_t len;
	bool interrupted;
};

/* ---- starting ---- */

static bool same_name(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	return strncmp(a, b, len + 1) == 0;
}

/* This process's variables with those of `extra` in their place. */
static const char **make_env(const char *const *extra)
{
	size_t count = 0, more = 0, i, k, n = 0;
	const char **env;

	while (environ[count])
		count++;
	while (extra && extra[more])
		more++;
	env = calloc(count + more + 1, sizeof(*env));
	if (!env)
		return NULL;
	for (i = 0; i < count; i++) {
		for (k = 0; k < more && !same_name(extra[k], environ[i]); k++)
			;
		if (k == more)
			env[n++] = environ[i];
	}
	for (k = 0; k < more; k++)
		env[n++] = extra[k];
	return env;
}

static int spawn(struct run *r, int out)
{
	AUTO_FREE const char **env = make_env(r->c->env);
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	mode_t mask;
	int err;

	if (!env)
		return -ENOMEM;
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&fa, out, 1);
	if (r->c->quiet_errors)
		posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY,
						 0);
	else
		posix_spawn_file_actions_adddup2(&fa, out, 2);
	posix_spawn_file_actions_addclosefrom_np(&fa, 3);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, r->c->mask);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETPGROUP);
	mask = umask(022);
	err = posix_spawn(&r->pid, r->c->argv[0], &fa, &attr,
			  (char *const *)(uintptr_t)r->c->argv,
			  (char *const *)(uintptr_t)env);
	umask(mask);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&fa);
	return -err;
}

/* ---- output ---- */

static void end_line(struct run *r)
{
	r->line[r->len] = '\0';
	r->len = 0;
	r->c->line(r->c->arg, r->line);
}

static void take_bytes(struct run *r, const char *buf, ssize_t n)
{
	ssize_t i;

	for (i = 0; i < n; i++) {
		if (buf[i] == '\n' || buf[i] == '\r') {
			if (r->len > 0 || buf[i] == '\n')
				end_line(r);
			continue;
		}
		if (r->len == LINE_SIZE - 1)
			end_line(r);
		r->line[r->len++] = buf[i] ? buf[i] : '?';
	}
}

/* All that is in the pipe now; false at its end. */
static bool drain(struct run *r)
{
	char buf[4096];
	ssize_t n;

	for (;;) {
		n = read(r->out, buf, sizeof(buf));
		if (n > 0)
			take_bytes(r, buf, n);
		else if (n == 0 || errno != EINTR)
			return n < 0;
	}
}

/* ---- waiting ---- */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until the program has ended; signals are seen but stay pending. */
static void wait_end(struct run *r)
{
	struct pollfd p[3] = { { .fd = r->pidfd, .events = POLLIN },
			       { .fd = r->out, .events = POLLIN },
			       { .fd = r->sigfd, .events = POLLIN } };
	int64_t tick = now_ms() + TICK_MS, deadline = INT64_MAX, now;

	while (!(p[0].revents & POLLIN)) {
		now = now_ms();
		if (poll(p, 3, now < tick ? (int)(tick - now) : 0) < 0 &&
		    errno != EINTR)
			break;
		now = now_ms();
		if ((p[1].revents & (POLLIN | POLLHUP)) && !drain(r))
			p[1].fd = -1;
		if (p[2].revents & POLLIN) {
			r->interrupted = true;
			kill(-r->pid, SIGTERM);
			p[2].fd = -1;
			deadline = now + GRACE_MS;
		}
		if (now >= deadline)
			kill(-r->pid, SIGKILL);
		if (now < tick)
			continue;
		if (r->c->tick && !r->interrupted)
			r->c->tick(r->c->arg);
		tick = now + TICK_MS;
	}
}

static int signal_fd(void)
{
	sigset_t set;

	sigguard_set(&set);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int prepare(struct run *r, struct err *e)
{
	AUTO_CLOSE int in = -1;
	int fds[2], err;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(e, errno, "cannot make a pipe");
	r->out = fds[0];
	in = fds[1];
	if (fcntl(r->out, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(e, errno, "cannot make a pipe");
	r->sigfd = signal_fd();
	if (r->sigfd < 0)
		return err_sys(e, errno, "cannot watch signals");
	err = spawn(r, in);
	if (err < 0)
		return err_sys(e, -err, "cannot run %s", r->c->argv[0]);
	r->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	return 0;
}

int child_run(const struct child *c, int *ret_status, struct err *e)
{
	struct run r = {
		.c = c, .out = -1, .pidfd = -1, .sigfd = -1, .pid = -1
	};
	int err = prepare(&r, e);

	if (err == 0) {
		if (r.pidfd >= 0)
			wait_end(&r);
		kill(-r.pid, SIGKILL);
		while (waitpid(r.pid, ret_status, 0) < 0 && errno == EINTR)
			;
		drain(&r);
		if (r.len > 0)
			end_line(&r);
	}
	if (r.out >= 0)
		close(r.out);
	if (r.sigfd >= 0)
		close(r.sigfd);
	if (r.pidfd >= 0)
		close(r.pidfd);
	return err == 0 && r.interrupted ? err_set(e, EINTR, "interrupted") :
					   err;
}
