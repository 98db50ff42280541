/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread that waits for two things. Every field of a request is checked,
 * as mayflyd reads what strangers send; ids are its own affair, processes,
 * users and cgroups are ours. Answers are sent without looking whether there
 * is room: mayflyd never waits for us.
 */
#include "spawner/serve.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/cleanup.h"

#define TIDY_MS 20
#define END_MS	10000 /* for what was killed to be gone */

struct slot {
	uint64_t id; /* 0: nobody's */
	struct child child;
	struct group *group; /* or NULL */
};

struct spawner {
	struct child_config child;
	struct groups *groups;
	struct slot slots[SPAWNER_INSTANCES_MAX];
	unsigned high; /* no slot from here on is anybody's */
	unsigned count;
	int signal_fd;
	bool deaf; /* nobody hears our events any more */
};

/* ---- events -------------------------------------------------------------- */

static struct spawner_event *event(enum spawner_event_kind kind, uint64_t id)
{
	static struct spawner_event ev;

	memset(&ev, 0, sizeof(ev));
	ev.version = SPAWNER_VERSION;
	ev.kind = kind;
	ev.id = id;
	return &ev;
}

static void say(struct spawner *s, const struct spawner_event *ev)
{
	while (!s->deaf &&
	       send(SPAWNER_FD, ev, sizeof(*ev), MSG_NOSIGNAL) < 0) {
		if (errno != EINTR)
			s->deaf = true;
	}
}

static void say_failed(struct spawner *s, enum spawner_event_kind kind,
		       uint64_t id, const struct err *why)
{
	struct spawner_event *ev = event(kind, id);

	ev->u.failed.error = why->code;
	snprintf(ev->text, sizeof(ev->text), "%s", why->text);
	say(s, ev);
}

static void say_ready(struct spawner *s, const struct serve_config *c)
{
	struct spawner_event *ev = event(SPAWNER_READY, 0);

	ev->u.ready.cgroups = c->groups->kind;
	ev->u.ready.walls = c->groups->walls;
	ev->u.ready.uid_first = c->uids.first;
	ev->u.ready.uid_count = c->uids.count;
	snprintf(ev->text, sizeof(ev->text), "%s", c->why->text);
	say(s, ev);
}

static uint64_t us(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000000 + (uint64_t)t->tv_usec;
}

static void say_exited(struct spawner *s, const struct slot *one, int status,
		       const struct rusage *used)
{
	struct spawner_event *ev = event(SPAWNER_EXITED, one->id);

	ev->u.exited.wait_status = status;
	ev->u.exited.oom_kills = groups_oom_kills(s->groups, one->group);
	ev->u.exited.user_us = us(&used->ru_utime);
	ev->u.exited.sys_us = us(&used->ru_stime);
	ev->u.exited.peak_bytes = (uint64_t)used->ru_maxrss << 10;
	say(s, ev);
}

/* ---- instances ----------------------------------------------------------- */

static struct slot *find_id(struct spawner *s, uint64_t id)
{
	for (unsigned i = 0; i < s->high; i++) {
		if (s->slots[i].id == id)
			return &s->slots[i];
	}
	return NULL;
}

static struct slot *find_pid(struct spawner *s, pid_t pid)
{
	for (unsigned i = 0; i < s->high; i++) {
		if (s->slots[i].id && s->slots[i].child.pid == pid)
			return &s->slots[i];
	}
	return NULL;
}

static bool uid_taken(void *arg, uid_t uid)
{
	const struct spawner *s = arg;

	for (unsigned i = 0; i < s->high; i++) {
		if (s->slots[i].id && s->slots[i].child.uid == uid)
			return true;
	}
	return false;
}

static struct slot *free_slot(struct spawner *s)
{
	struct slot *one = find_id(s, 0);

	if (one)
		return one;
	return s->high < SPAWNER_INSTANCES_MAX ? &s->slots[s->high++] : NULL;
}

/* Waits for all that have ended; false: there are no children left. */
static bool reap(struct spawner *s)
{
	struct signalfd_siginfo info;
	struct rusage used;
	struct slot *one;
	pid_t pid;
	int status;

	while (read(s->signal_fd, &info, sizeof(info)) > 0)
		;
	while ((pid = wait4(-1, &status, WNOHANG, &used)) > 0) {
		one = find_pid(s, pid);
		if (!one)
			continue; /* a guest whose monitor died first */
		say_exited(s, one, status, &used);
		groups_release(s->groups, one->group);
		one->id = 0;
		s->count--;
		while (s->high && !s->slots[s->high - 1].id)
			s->high--;
	}
	return pid == 0;
}

/* ---- requests ------------------------------------------------------------ */

static bool limits_ok(const struct spawner_limits *l)
{
	return (!l->memory_max || (l->memory_max >= SPAWNER_MEMORY_MIN &&
				   l->memory_max <= SPAWNER_MEMORY_MAX)) &&
	       (!l->cpu_milli || (l->cpu_milli >= SPAWNER_CPU_MILLI_MIN &&
				  l->cpu_milli <= SPAWNER_CPU_MILLI_MAX)) &&
	       l->cpu_weight <= SPAWNER_CPU_WEIGHT_MAX &&
	       (!l->pids_max || (l->pids_max >= SPAWNER_PIDS_MIN &&
				 l->pids_max <= SPAWNER_PIDS_MAX)) &&
	       !l->pad;
}

static int check_spawn(struct spawner *s, const struct spawner_request *rq,
		       unsigned fd_count, struct err *e)
{
	if (!rq->id || find_id(s, rq->id))
		return err_set(e, EEXIST,
			       "an instance of that number is alive");
	if (fd_count != SPAWNER_FD_COUNT)
		return err_set(e, EBADF,
			       "a monitor needs %d descriptors, %u came",
			       SPAWNER_FD_COUNT, fd_count);
	if (!limits_ok(&rq->limits))
		return err_set(e, ERANGE,
			       "a limit of the instance is out of range");
	if (s->count == SPAWNER_INSTANCES_MAX)
		return err_set(e, EAGAIN,
			       "there are %u instances, the most there can be",
			       SPAWNER_INSTANCES_MAX);
	return 0;
}

static int spawn(struct spawner *s, const struct spawner_request *rq,
		 const int *fds, unsigned fd_count, struct err *e)
{
	struct spawner_event *ev;
	struct group *group = NULL;
	struct child child;
	struct slot *one;
	int r = check_spawn(s, rq, fd_count, e);

	if (r == 0)
		r = groups_take(s->groups, &rq->limits, &group, e);
	if (r < 0)
		return r;
	r = child_start(&s->child, fds, group, &child, e);
	if (r < 0) {
		groups_release(s->groups, group);
		return r;
	}
	one = free_slot(s);
	*one = (struct slot){ rq->id, child, group };
	s->count++;
	ev = event(SPAWNER_SPAWNED, rq->id);
	ev->u.spawned.pid = child.pid;
	ev->u.spawned.uid = child.uid;
	ev->u.spawned.group = group ? group->number : 0;
	say(s, ev);
	return 0;
}

static void end(struct spawner *s, const struct slot *one)
{
	kill(one->child.pid, SIGKILL);
	groups_kill(s->groups, one->group);
}

static int limit(struct spawner *s, const struct spawner_request *rq,
		 struct err *e)
{
	const struct slot *one = rq->id ? find_id(s, rq->id) : NULL;

	if (!limits_ok(&rq->limits))
		return err_set(e, ERANGE,
			       "a limit of the instance is out of range");
	return one ? groups_limit(s->groups, one->group, &rq->limits, e) : 0;
}

static int obey(struct spawner *s, const struct spawner_request *rq,
		const int *fds, unsigned fd_count, struct err *e)
{
	const struct slot *one;
	struct err why;

	switch (rq->kind) {
	case SPAWNER_SPAWN:
		if (spawn(s, rq, fds, fd_count, &why) < 0)
			say_failed(s, SPAWNER_FAILED, rq->id, &why);
		return 0;
	case SPAWNER_KILL:
		one = rq->id ? find_id(s, rq->id) : NULL;
		if (one)
			end(s, one);
		return 0;
	case SPAWNER_LIMIT:
		if (limit(s, rq, &why) < 0)
			say_failed(s, SPAWNER_UNLIMITED, rq->id, &why);
		return 0;
	default:
		return err_set(e, EPROTO, "request %u does not exist",
			       rq->kind);
	}
}

static unsigned take_fds(struct msghdr *msg, int fds[SPAWNER_FD_COUNT])
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	unsigned count;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return 0;
	count = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fds, CMSG_DATA(c), count * sizeof(int));
	return count;
}

/* 1, 0 if mayflyd has closed its end, or -errno. */
static int hear(struct spawner *s, struct err *e)
{
	struct spawner_request rq;
	struct iovec iov = { &rq, sizeof(rq) };
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(SPAWNER_FD_COUNT * sizeof(int))];
	} control;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	int fds[SPAWNER_FD_COUNT];
	unsigned count, told;
	ssize_t n;
	int r;

	n = recvmsg(SPAWNER_FD, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 1;
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return 0;
	if (n < 0)
		return err_sys(e, errno, "cannot hear mayflyd");
	count = take_fds(&msg, fds);
	/* Too many came, or not all could be had: never right. */
	told = msg.msg_flags & MSG_CTRUNC ? SPAWNER_FD_COUNT + 1 : count;
	if (n != sizeof(rq) || (msg.msg_flags & MSG_TRUNC) ||
	    rq.version != SPAWNER_VERSION)
		r = err_set(e, EPROTO,
			    "mayflyd is of another version: mayflyd and "
			    "mayfly-spawner must be of one release");
	else
		r = obey(s, &rq, fds, told, e);
	while (count)
		close(fds[--count]);
	return r < 0 ? r : 1;
}

/* ---- the loop ------------------------------------------------------------ */

static int loop(struct spawner *s, struct err *e)
{
	struct pollfd p[2] = {
		{ .fd = SPAWNER_FD, .events = POLLIN },
		{ .fd = s->signal_fd, .events = POLLIN },
	};
	bool untidy = false;
	int r = 1;

	while (r > 0 && !s->deaf) {
		if (poll(p, 2, untidy ? TIDY_MS : -1) < 0 && errno != EINTR)
			return err_sys(e, errno, "cannot wait");
		if (p[1].revents)
			reap(s);
		if (p[0].revents)
			r = hear(s, e);
		untidy = groups_tidy(s->groups);
	}
	return r;
}

static void end_all(struct spawner *s)
{
	struct pollfd p = { .fd = s->signal_fd, .events = POLLIN };

	s->deaf = true;
	for (unsigned i = 0; i < s->high; i++) {
		if (s->slots[i].id)
			end(s, &s->slots[i]);
	}
	for (int i = 0; i < END_MS / TIDY_MS && reap(s); i++)
		poll(&p, 1, TIDY_MS);
}

int serve(const struct serve_config *c, struct err *e)
{
	AUTO_FREE struct spawner *s = calloc(1, sizeof(*s));
	AUTO_CLOSE int signal_fd = -1;
	sigset_t set;
	int r;

	if (!s)
		return err_set(e, ENOMEM, "no memory to serve");
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signal_fd < 0)
		return err_sys(e, errno, "cannot wait for children");
	s->signal_fd = signal_fd;
	s->groups = c->groups;
	s->child = (struct child_config){ .monitor = c->monitor,
					  .groups = c->groups,
					  .uids = c->uids,
					  .uid_taken = uid_taken,
					  .arg = s };
	memcpy(s->child.oom_score, c->oom_score, sizeof(c->oom_score));
	say_ready(s, c);
	r = loop(s, e);
	end_all(s);
	return r;
}
