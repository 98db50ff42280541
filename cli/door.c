/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serves the socket of an instance. A request is one message, answered at
 * once; a tracer's connection stays open, and its end ends the trace.
 */
#include "cli/door.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi/ctl.h"
#include "cli/fd_message.h"
#include "host/cleanup.h"

#define LISTENER DOOR_GUESTS_MAX /* its number among the events */

static int watch(const struct door *d, int fd, uint32_t number)
{
	struct epoll_event ev = { .events = EPOLLIN,
				  .data.u64 = (uint64_t)d->tag << 32 | number };

	return epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

static int open_door(struct door *d, const char *name, struct err *e)
{
	int fd = instances_take(&d->name, name, e);

	if (fd < 0)
		return fd;
	for (unsigned i = 0; i < DOOR_GUESTS_MAX; i++)
		d->guests[i] = -1;
	d->listen_fd = fd;
	if (!d->borrowed)
		d->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (d->epoll_fd < 0 || watch(d, fd, LISTENER) < 0) {
		err_sys(e, errno, "cannot watch the socket of %s", name);
		door_close(d);
		return -e->code;
	}
	return 0;
}

int door_open(struct door *d, const char *name, struct err *e)
{
	d->borrowed = false;
	d->tag = 0;
	return open_door(d, name, e);
}

int door_open_in(struct door *d, const char *name, int epoll_fd, uint32_t tag,
		 struct err *e)
{
	d->borrowed = true;
	d->epoll_fd = epoll_fd;
	d->tag = tag;
	return open_door(d, name, e);
}

/* ---- who comes ---------------------------------------------------------- */

static bool may_enter(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
	       (who.uid == geteuid() || who.uid == 0);
}

static void let_in(struct door *d)
{
	int fd =
		accept4(d->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	uint32_t i = 0;

	if (fd < 0)
		return;
	while (i < DOOR_GUESTS_MAX && d->guests[i] >= 0)
		i++;
	if (i == DOOR_GUESTS_MAX || !may_enter(fd) || watch(d, fd, i) < 0)
		close(fd);
	else
		d->guests[i] = fd;
}

/* ---- what is asked ------------------------------------------------------ */

static void __attribute__((format(printf, 3, 4)))
reply(int fd, int error, const char *fmt, ...)
{
	struct mf_inst_reply r = { .version = MF_INST_VERSION, .error = error };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r.text, sizeof(r.text), fmt, ap);
	va_end(ap);
	send(fd, &r, sizeof(r), MSG_NOSIGNAL);
}

static int tell_monitor(const struct door *d,
			const struct mf_trace_config *config, int fd)
{
	struct mf_ctl_command c = { .kind = MF_CMD_TRACE, .u.trace = *config };

	return fd_message_send(d->ctl, &c, sizeof(c), fd);
}

static void start_trace(struct door *d, uint32_t i,
			const struct mf_inst_request *q, int fd)
{
	int r;

	if (d->traced || d->tracer >= 0) {
		reply(d->guests[i], -EBUSY, "%s is being traced already",
		      d->name.name);
		return;
	}
	if (fd < 0 || !(q->trace.flags & MF_TRACE_ON)) {
		reply(d->guests[i], -EINVAL, "the request is malformed");
		return;
	}
	r = tell_monitor(d, &q->trace, fd);
	if (r < 0) {
		reply(d->guests[i], r, "%s is ending", d->name.name);
		return;
	}
	d->tracer = (int)i;
	reply(d->guests[i], 0, "%s", "");
}

static void leave(struct door *d, uint32_t i)
{
	const struct mf_trace_config off = { 0 };

	close(take_fd(&d->guests[i]));
	if (d->tracer != (int)i)
		return;
	d->tracer = -1;
	tell_monitor(d, &off, -1);
}

static void serve(struct door *d, uint32_t i)
{
	AUTO_CLOSE int fd = -1;
	struct mf_inst_request q;
	ssize_t n = fd_message_receive(d->guests[i], &q, sizeof(q), &fd);

	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n <= 0)
		leave(d, i);
	else if (n < (ssize_t)sizeof(q.version) || q.version != MF_INST_VERSION)
		reply(d->guests[i], -EPROTO,
		      "%s was started by another version of mayfly",
		      d->name.name);
	else if (n == sizeof(q) && q.kind == MF_INST_TRACE)
		start_trace(d, i, &q, fd);
	else
		reply(d->guests[i], -EINVAL, "the request is malformed");
}

void door_event(struct door *d, uint32_t number)
{
	if (number == LISTENER)
		let_in(d);
	else if (number < DOOR_GUESTS_MAX && d->guests[number] >= 0)
		serve(d, number);
}

bool door_serve(void *door)
{
	struct door *d = door;
	struct epoll_event ev[DOOR_GUESTS_MAX + 1];
	int n = epoll_wait(d->epoll_fd, ev, DOOR_GUESTS_MAX + 1, 0);

	for (int i = 0; i < n; i++)
		door_event(d, ev[i].data.u32);
	return true;
}

void door_close(struct door *d)
{
	instances_give(&d->name);
	if (d->listen_fd < 0)
		return;
	for (unsigned i = 0; i < DOOR_GUESTS_MAX; i++)
		if (d->guests[i] >= 0)
			close(take_fd(&d->guests[i]));
	close(take_fd(&d->listen_fd));
	if (d->epoll_fd >= 0 && !d->borrowed)
		close(d->epoll_fd);
	d->epoll_fd = -1;
}
