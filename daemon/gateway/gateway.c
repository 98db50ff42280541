/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listeners and what all connections share. When there are as many clients
 * as allowed, those that are idle make room, the longest idle first, and if
 * none is, new ones wait in the kernel's queue; when descriptors run out,
 * accepting stops for a moment.
 */
#include "daemon/gateway/gateway.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/gateway/gw.h"
#include "host/cleanup.h"

#define ACCEPT_ROUND	64 /* connections in a row */
#define ACCEPT_PAUSE_NS (100 * NS_PER_MS)
#define EXCHANGES_MAX	64u /* kept for later */

const struct http_limits gw_limits = { .head_bytes = GW_HEAD_MAX,
				       .line_bytes = GW_LINE_MAX,
				       .fields = HTTP_FIELDS_MAX };

/* ---- accepting ----------------------------------------------------------- */

static void pause_listeners(struct gateway *g, bool pause)
{
	struct listener *l;
	struct list *n;

	g->paused = pause;
	list_for_each(n, &g->listeners) {
		l = container_of(n, struct listener, node);
		loop_rewatch(&l->watch, pause ? 0 : EPOLLIN);
	}
}

static bool is_full(const struct gateway *g)
{
	return g->client_count >= g->cfg.connections_max;
}

static void on_accept_timer(struct loop_timer *t)
{
	struct gateway *g = container_of(t, struct gateway, accept_timer);

	if (g->paused && (!is_full(g) || !list_empty(&g->idle)))
		pause_listeners(g, false);
}

static void pause_for_a_moment(struct gateway *g)
{
	pause_listeners(g, true);
	loop_timer_set(g->loop, &g->accept_timer,
		       loop_now_ns(g->loop) + ACCEPT_PAUSE_NS);
}

void gw_room(struct gateway *g)
{
	if (g->paused && !g->draining && !g->accept_timer.slot)
		loop_timer_set(g->loop, &g->accept_timer,
			       loop_now_ns(g->loop) + 1);
}

/* The client that is idle for the longest time goes. */
static void make_room(struct gateway *g)
{
	if (is_full(g) && !list_empty(&g->idle))
		client_close(container_of(g->idle.next, struct client, idle));
}

/* Whether there may be another one. */
static bool accept_one(struct listener *l)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t len = sizeof(peer);
	struct gateway *g = l->g;
	struct client *c;
	int fd;

	if (is_full(g) && list_empty(&g->idle)) {
		pause_listeners(g, true);
		return false;
	}
	fd = accept4(l->fd, (struct sockaddr *)&peer, &len,
		     SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		make_room(g);
		c = client_new(g, fd, l->tls);
		if (c)
			client_set_address(c, &peer);
		return true;
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
	    errno == ENOMEM)
		pause_for_a_moment(g);
	return errno == ECONNABORTED || errno == EINTR;
}

static void on_listener(struct loop_watch *w, uint32_t events)
{
	struct listener *l = container_of(w, struct listener, watch);

	(void)events;
	for (int i = 0; i < ACCEPT_ROUND && accept_one(l); i++)
		;
}

int gateway_listen(struct gateway *g, int fd, struct tls *tls, struct err *e)
{
	struct listener *l = calloc(1, sizeof(*l));
	int r;

	if (!l) {
		close(fd);
		return err_set(e, ENOMEM, "out of memory");
	}
	l->g = g;
	l->fd = fd;
	l->tls = tls;
	l->watch.ready = on_listener;
	r = loop_watch(g->loop, &l->watch, fd, EPOLLIN);
	if (r < 0) {
		close(fd);
		free(l);
		return err_sys(e, -r, "cannot watch a listening socket");
	}
	list_add_tail(&g->listeners, &l->node);
	return 0;
}

int gateway_open(struct gateway *g, struct version *caller)
{
	struct client *c;
	int sv[2];

	if (g->draining || caller->calls >= g->cfg.calls_max)
		return -EAGAIN;
	make_room(g);
	if (is_full(g))
		return -EAGAIN;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		       sv) < 0)
		return -errno;
	c = client_new(g, sv[0], NULL);
	if (!c) {
		close(sv[1]);
		return -ENOMEM;
	}
	c->caller = version_ref(caller);
	caller->calls++;
	snprintf(c->addr, sizeof(c->addr), "_%s", caller->function->name);
	return sv[1];
}

int gateway_adopt(struct gateway *g, int fd, const char *buf, size_t len)
{
	struct client *c;

	make_room(g);
	if (g->draining || is_full(g) || len > FLOW_SIZE) {
		close(fd);
		return len > FLOW_SIZE ? -E2BIG : -EAGAIN;
	}
	c = client_new(g, fd, NULL);
	if (!c)
		return -ENOMEM;
	c->trusted = true;
	return client_push(c, buf, len);
}

static void close_listeners(struct gateway *g)
{
	struct listener *l;
	struct list *n;

	while ((n = list_pop_head(&g->listeners))) {
		l = container_of(n, struct listener, node);
		loop_unwatch(&l->watch);
		close(l->fd);
		free(l);
	}
	loop_timer_cancel(g->loop, &g->accept_timer);
}

/* ---- what is shared ------------------------------------------------------ */

struct exchange *gw_exchange_new(struct gateway *g)
{
	struct list *n = list_pop_head(&g->exchanges);
	struct exchange *x = n ? container_of(n, struct exchange, node) :
				 malloc(sizeof(*x));

	if (!x)
		return NULL;
	g->exchange_count -= n != NULL;
	memset(x, 0, offsetof(struct exchange, req));
	list_init(&x->node);
	flow_init(&x->to_up, &g->pool);
	flow_init(&x->to_client, &g->pool);
	return x;
}

void gw_exchange_free(struct gateway *g, struct exchange *x)
{
	if (!x)
		return;
	flow_fini(&x->to_up);
	flow_fini(&x->to_client);
	flow_buffer_free(&g->pool, x->in.buf);
	flow_buffer_free(&g->pool, x->from_up.buf);
	strlist_fini(&x->env);
	if (g->exchange_count >= EXCHANGES_MAX) {
		free(x);
		return;
	}
	g->exchange_count++;
	list_add_head(&g->exchanges, &x->node);
}

void gw_random(struct gateway *g, uint8_t *out, size_t len)
{
	if (g->random_left < len) {
		while (getrandom(g->random, GW_RANDOM, 0) < 0)
			;
		g->random_left = GW_RANDOM;
	}
	g->random_left -= (uint32_t)len;
	memcpy(out, g->random + g->random_left, len);
	memset(g->random + g->random_left, 0, len);
}

const char *gw_date(struct gateway *g)
{
	time_t now = time(NULL);
	struct tm tm;

	if ((uint64_t)now != g->date_s) {
		g->date_s = (uint64_t)now;
		gmtime_r(&now, &tm);
		strftime(g->date, sizeof(g->date), "%a, %d %b %Y %H:%M:%S GMT",
			 &tm);
	}
	return g->date;
}

uint32_t gateway_connections(const struct gateway *g)
{
	return g->client_count;
}

/* ---- before the loop sleeps ---------------------------------------------- */

static void reap(struct gateway *g)
{
	struct list *n;

	while ((n = list_pop_head(&g->dead_upstreams)))
		upstream_free(container_of(n, struct upstream, node));
	while ((n = list_pop_head(&g->dead_clients)))
		client_free(container_of(n, struct client, node));
}

static void on_task(struct loop_task *t)
{
	struct gateway *g = container_of(t, struct gateway, task);
	struct list *n;

	while ((n = list_pop_head(&g->woken)))
		gw_run(container_of(n, struct client, woken));
	reap(g);
	if (g->draining && g->drained && g->client_count == 0) {
		void (*drained)(void *ctx) = take_ptr(g->drained);

		drained(g->drained_ctx);
	}
}

void gw_reap_soon(struct gateway *g)
{
	loop_defer(g->loop, &g->task);
}

static void collect(struct metrics_source *s, struct metrics *m)
{
	struct gateway *g = container_of(s, struct gateway, source);

	metrics_set(m, METRIC_CONNECTIONS, NO_LABELS, g->client_count);
	metrics_set(m, METRIC_IN_FLIGHT, NO_LABELS, g->in_flight);
}

/* ---- all of it ----------------------------------------------------------- */

static void set_defaults(struct gateway_config *c)
{
	if (!c->connections_max)
		c->connections_max = 4096;
	if (!c->calls_max)
		c->calls_max = 64;
	if (!c->head_ms)
		c->head_ms = 10000;
	if (!c->keep_ms)
		c->keep_ms = 75000;
	if (!c->send_ms)
		c->send_ms = 30000;
	if (!c->half_ms)
		c->half_ms = 30000;
}

int gateway_new(struct gateway **ret, const struct gateway_config *c,
		struct err *e)
{
	struct gateway *g = calloc(1, sizeof(*g));

	if (!g)
		return err_set(e, ENOMEM, "out of memory");
	/* Pipes of functions that have ended. */
	signal(SIGPIPE, SIG_IGN);
	g->cfg = *c;
	set_defaults(&g->cfg);
	g->loop = c->loop;
	list_init(&g->listeners);
	list_init(&g->clients);
	list_init(&g->idle);
	list_init(&g->woken);
	list_init(&g->dead_clients);
	list_init(&g->upstreams);
	list_init(&g->dead_upstreams);
	list_init(&g->exchanges);
	g->task.run = on_task;
	g->accept_timer.fire = on_accept_timer;
	g->source.collect = collect;
	if (c->metrics)
		metrics_source_add(c->metrics, &g->source);
	*ret = g;
	return 0;
}

void gateway_drain(struct gateway *g, void (*drained)(void *ctx), void *ctx)
{
	g->draining = true;
	g->drained = drained;
	g->drained_ctx = ctx;
	close_listeners(g);
	while (!list_empty(&g->idle))
		client_close(container_of(g->idle.next, struct client, idle));
	gw_reap_soon(g);
}

void gateway_free(struct gateway *g)
{
	struct list *n;

	if (!g)
		return;
	close_listeners(g);
	g->draining = true;
	g->drained = NULL;
	while (!list_empty(&g->clients))
		client_close(
			container_of(g->clients.next, struct client, node));
	while (!list_empty(&g->upstreams))
		upstream_close(
			container_of(g->upstreams.next, struct upstream, node));
	reap(g);
	loop_undefer(g->loop, &g->task);
	if (g->cfg.metrics)
		metrics_source_remove(&g->source);
	while ((n = list_pop_head(&g->exchanges)))
		free(container_of(n, struct exchange, node));
	flow_pool_fini(&g->pool);
	free(g);
}
