/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ways to instances: a stream socket, or the two pipes of a program that is
 * no server. A socket that an instance keeps for the next request is still
 * watched here: the first that happens to it, be it its end or bytes that
 * nobody asked for, ends it.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/gateway/gw.h"

#define EVENTS (EPOLLIN | EPOLLRDHUP | EPOLLET)

static void on_event(struct upstream *u, uint32_t events)
{
	if (!u->client) {
		if (!(events & ~(uint32_t)EPOLLOUT))
			return;
		list_del(&u->link.node);
		upstream_close(u);
		return;
	}
	if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
		u->writable = true;
	gw_run(u->client);
}

static void on_socket(struct loop_watch *w, uint32_t events)
{
	struct upstream *u = container_of(w, struct upstream, watch);

	u->readable = true;
	if (events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP))
		u->hup = true;
	on_event(u, events);
}

static void on_input(struct loop_watch *w, uint32_t events)
{
	on_event(container_of(w, struct upstream, watch_in), events | EPOLLOUT);
}

static void on_drop(struct instance_link *l)
{
	upstream_close(container_of(l, struct upstream, link));
}

static struct upstream *upstream_new(struct client *c, int fd)
{
	struct upstream *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->g = c->g;
	u->client = c;
	u->fd = fd;
	u->fd_in = -1;
	u->writable = true;
	u->link.drop = on_drop;
	u->watch.ready = on_socket;
	u->watch_in.ready = on_input;
	list_init(&u->link.node);
	if (loop_watch(c->g->loop, &u->watch, fd, EVENTS) < 0) {
		free(u);
		return NULL;
	}
	list_add_tail(&c->g->upstreams, &u->node);
	return u;
}

/* Nothing has come since its last answer. */
static bool is_quiet(const struct upstream *u)
{
	char byte;

	return recv(u->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	       errno == EAGAIN;
}

static struct upstream *take_kept(struct client *c)
{
	struct instance_link *l;
	struct upstream *u;

	while ((l = instance_take_link(c->x->rq.instance))) {
		u = container_of(l, struct upstream, link);
		if (is_quiet(u)) {
			u->client = c;
			u->readable = false;
			return u;
		}
		upstream_close(u);
	}
	return NULL;
}

int upstream_open(struct client *c, bool fresh)
{
	struct upstream *u = fresh ? NULL : take_kept(c);
	int fd;

	if (!u) {
		fd = instance_connect(c->x->rq.instance);
		if (fd < 0)
			return fd;
		u = upstream_new(c, fd);
		if (!u) {
			close(fd);
			return -ENOMEM;
		}
		u->is_socket = true;
	}
	c->x->up = u;
	return 0;
}

int upstream_open_stdio(struct client *c)
{
	struct upstream *u;
	int in = -1, out = -1;

	instance_stdio(c->x->rq.instance, &in, &out);
	if (in < 0 || out < 0)
		return -EBADF;
	u = upstream_new(c, out);
	if (!u) {
		close(in);
		close(out);
		return -ENOMEM;
	}
	u->fd_in = in;
	c->x->up = u;
	if (loop_watch(c->g->loop, &u->watch_in, in, EPOLLOUT | EPOLLET) < 0)
		return -ENOMEM;
	return 0;
}

ssize_t upstream_read(struct upstream *u, char *buf, size_t len)
{
	ssize_t n;

	if (!u->readable)
		return -EAGAIN;
	n = read(u->fd, buf, len);
	if (n < 0)
		n = errno == EINTR ? -EAGAIN : -errno;
	/* See client_read. */
	if (n == -EAGAIN || (n > 0 && (size_t)n < len && !u->hup))
		u->readable = false;
	return n;
}

ssize_t upstream_write(struct upstream *u, const char *buf, size_t len)
{
	ssize_t n;

	if (!u->writable)
		return -EAGAIN;
	n = write(u->is_socket ? u->fd : u->fd_in, buf, len);
	if (n >= 0)
		return n;
	if (errno != EAGAIN && errno != EINTR)
		return -errno;
	u->writable = false;
	if (u->is_socket && !u->wants_out) {
		u->wants_out = true;
		if (loop_rewatch(&u->watch, EVENTS | EPOLLOUT) < 0)
			return -EIO;
	}
	return -EAGAIN;
}

void upstream_finish(struct upstream *u)
{
	if (u->is_socket) {
		shutdown(u->fd, SHUT_WR);
		return;
	}
	loop_unwatch(&u->watch_in);
	if (u->fd_in >= 0)
		close(u->fd_in);
	u->fd_in = -1;
}

void upstream_close(struct upstream *u)
{
	if (!u || u->fd < 0)
		return;
	loop_close(&u->watch);
	if (u->watch_in.loop)
		loop_close(&u->watch_in);
	else if (u->fd_in >= 0)
		close(u->fd_in);
	u->fd = u->fd_in = -1;
	u->client = NULL;
	list_del(&u->link.node);
	list_del(&u->node);
	list_add_tail(&u->g->dead_upstreams, &u->node);
	gw_reap_soon(u->g);
}

struct instance_link *upstream_keep(struct upstream *u)
{
	u->client = NULL;
	u->kept = true;
	return &u->link;
}

void upstream_free(struct upstream *u)
{
	free(u);
}
