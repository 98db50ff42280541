/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests are sent at once while the socket takes them, and wait in a list
 * otherwise, with their descriptors. The spawner holds what privilege there
 * is, so it is believed; yet a message is checked before it is used.
 */
#include "daemon/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "lib/list.h"

#define PATH_LEN    1024
#define WAITING_MAX (2 * SPAWNER_INSTANCES_MAX)
#define EVENTS_ONCE 64 /* before others get their turn */

struct waiting {
	struct waiting *next;
	struct spawner_request rq;
	unsigned fd_count;
	int fds[SPAWNER_FD_COUNT];
};

struct spawn {
	struct loop_watch watch;
	struct loop *loop;
	struct spawn_config config;
	pid_t pid;
	int fd; /* -1: lost */
	struct waiting *first, **end;
	unsigned waiting;
};

/* ---- starting it -------------------------------------------------------- */

static int exec_spawner(struct spawn *s, const struct spawn_config *c,
			int theirs, struct err *e)
{
	char name[] = "mayfly-spawner", path[PATH_LEN], monitor[PATH_LEN];
	char cgroups[64], uids[64], *argv[5] = { name, monitor, cgroups };
	char *envp[] = { NULL };
	posix_spawn_file_actions_t acts;
	int r;

	snprintf(path, sizeof(path), "%s/mayfly-spawner", c->libexec);
	snprintf(monitor, sizeof(monitor), "--monitor=%s/mayfly-monitor",
		 c->libexec);
	snprintf(cgroups, sizeof(cgroups), "--cgroups=%s",
		 c->cgroups ? c->cgroups : "auto");
	snprintf(uids, sizeof(uids), "--uids=%s", c->uids ? c->uids : "");
	if (c->uids)
		argv[3] = uids;
	r = posix_spawn_file_actions_init(&acts);
	if (r)
		return err_sys(e, r, "cannot start %s", path);
	/* Last: descriptors that it does not need are all close-on-exec. */
	r = posix_spawn_file_actions_adddup2(&acts, theirs, SPAWNER_FD);
	if (!r)
		r = posix_spawn(&s->pid, path, &acts, NULL, argv, envp);
	posix_spawn_file_actions_destroy(&acts);
	return r ? err_sys(e, r, "cannot start %s", path) : 0;
}

static void on_ready(struct loop_watch *w, uint32_t events);

int spawn_start(struct spawn **ret, struct loop *loop,
		const struct spawn_config *c, struct err *e)
{
	AUTO_CLOSE int theirs = -1;
	AUTO_CLOSE int ours = -1;
	AUTO_FREE struct spawn *s = calloc(1, sizeof(*s));
	int pair[2], r;

	if (!s)
		return err_set(e, ENOMEM, "no memory for the spawner");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, errno, "cannot make a socket");
	ours = pair[0];
	theirs = pair[1];
	if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(e, errno, "cannot set up a socket");
	s->config = *c;
	s->loop = loop;
	s->end = &s->first;
	s->watch.ready = on_ready;
	r = loop_watch(loop, &s->watch, ours, EPOLLIN);
	if (r < 0)
		return err_sys(e, -r, "cannot watch the spawner");
	r = exec_spawner(s, c, theirs, e);
	if (r < 0) {
		loop_unwatch(&s->watch);
		return r;
	}
	s->fd = take_fd(&ours);
	*ret = take_ptr(s);
	return 0;
}

/* ---- requests ----------------------------------------------------------- */

static void close_fds(const int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

static void drop_first(struct spawn *s)
{
	struct waiting *one = s->first;

	s->first = one->next;
	if (!s->first)
		s->end = &s->first;
	s->waiting--;
	close_fds(one->fds, one->fd_count);
	free(one);
}

static int send_one(const struct spawn *s, const struct waiting *one)
{
	struct iovec iov = { (void *)(uintptr_t)&one->rq, sizeof(one->rq) };
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(one->fds))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (one->fd_count) {
		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof(control.buf);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(one->fds));
		memcpy(CMSG_DATA(c), one->fds, sizeof(one->fds));
	}
	return sendmsg(s->fd, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/*
 * Sends what waits, as far as the socket takes it. Of an error that stays the
 * reading end learns, too, and says so. ETOOMANYREFS: too many descriptors are
 * under way; they arrive.
 */
static void flush(struct spawn *s)
{
	uint32_t events = EPOLLIN;

	while (s->first) {
		int r = send_one(s, s->first);

		if (r == -EINTR)
			continue;
		if (r == -EAGAIN || r == -ETOOMANYREFS)
			events |= EPOLLOUT;
		if (r < 0)
			break;
		drop_first(s);
	}
	loop_rewatch(&s->watch, events);
}

static int enqueue(struct spawn *s, const struct waiting *what, struct err *e)
{
	struct waiting *one;

	if (s->fd < 0)
		return err_set(e, EPIPE, "the spawner is gone");
	if (s->waiting >= WAITING_MAX)
		return err_set(e, EAGAIN,
			       "%u requests to the spawner wait already",
			       s->waiting);
	one = malloc(sizeof(*one));
	if (!one)
		return err_set(e, ENOMEM, "no memory for a request");
	*one = *what;
	*s->end = one;
	s->end = &one->next;
	if (!s->waiting++)
		flush(s);
	return 0;
}

int spawn_request(struct spawn *s, uint64_t id,
		  const struct spawner_limits *limits,
		  int fds[SPAWNER_FD_COUNT], struct err *e)
{
	struct waiting one = { .rq = { .version = SPAWNER_VERSION,
				       .kind = SPAWNER_SPAWN,
				       .id = id,
				       .limits = *limits },
			       .fd_count = SPAWNER_FD_COUNT };
	int r;

	memcpy(one.fds, fds, sizeof(one.fds));
	r = enqueue(s, &one, e);
	if (r < 0)
		close_fds(fds, SPAWNER_FD_COUNT);
	return r;
}

int spawn_kill(struct spawn *s, uint64_t id)
{
	const struct waiting one = { .rq = { .version = SPAWNER_VERSION,
					     .kind = SPAWNER_KILL,
					     .id = id } };

	return enqueue(s, &one, NULL);
}

int spawn_limit(struct spawn *s, uint64_t id,
		const struct spawner_limits *limits)
{
	const struct waiting one = { .rq = { .version = SPAWNER_VERSION,
					     .kind = SPAWNER_LIMIT,
					     .id = id,
					     .limits = *limits } };

	return enqueue(s, &one, NULL);
}

pid_t spawn_pid(const struct spawn *s)
{
	return s->pid;
}

/* ---- events ------------------------------------------------------------- */

static void drop_socket(struct spawn *s)
{
	while (s->first)
		drop_first(s);
	if (s->fd < 0)
		return;
	loop_unwatch(&s->watch);
	close(take_fd(&s->fd));
}

static void lose(struct spawn *s, int code, const char *text)
{
	struct err why;

	err_set(&why, code, "%s", text);
	drop_socket(s);
	s->config.ops->lost(s->config.arg, &why);
}

/* false: that is nonsense. */
static bool tell(struct spawn *s, const struct spawner_event *ev)
{
	const struct spawn_ops *ops = s->config.ops;
	void *arg = s->config.arg;
	struct err why;

	switch (ev->kind) {
	case SPAWNER_READY:
		ops->ready(arg, &ev->u.ready, ev->text);
		return true;
	case SPAWNER_SPAWNED:
		ops->spawned(arg, ev->id, &ev->u.spawned);
		return true;
	case SPAWNER_FAILED:
		err_set(&why, ev->u.failed.error, "%s", ev->text);
		ops->failed(arg, ev->id, &why);
		return true;
	case SPAWNER_UNLIMITED:
		err_set(&why, ev->u.failed.error, "%s", ev->text);
		if (ops->unlimited)
			ops->unlimited(arg, ev->id, &why);
		return true;
	case SPAWNER_EXITED:
		ops->exited(arg, ev->id, &ev->u.exited);
		return true;
	default:
		return false;
	}
}

/* false: nothing more now, or never. */
static bool hear_one(struct spawn *s)
{
	struct spawner_event ev;
	ssize_t n = recv(s->fd, &ev, sizeof(ev), MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		lose(s, EPIPE, "the spawner has ended");
		return false;
	}
	if (n != sizeof(ev) || ev.version != SPAWNER_VERSION) {
		lose(s, EPROTO,
		     "the spawner is of another version: mayflyd and "
		     "mayfly-spawner must be of one release");
		return false;
	}
	ev.text[sizeof(ev.text) - 1] = '\0';
	if (tell(s, &ev))
		return s->fd >= 0;
	lose(s, EPROTO, "the spawner says what it should not");
	return false;
}

static void on_ready(struct loop_watch *w, uint32_t events)
{
	struct spawn *s = container_of(w, struct spawn, watch);

	if ((events & EPOLLOUT) && s->first)
		flush(s);
	if (!(events & ~EPOLLOUT))
		return;
	for (int i = 0; i < EVENTS_ONCE && hear_one(s); i++)
		;
}

void spawn_free(struct spawn *s)
{
	if (!s)
		return;
	drop_socket(s);
	while (s->pid > 0 && waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(s);
}
