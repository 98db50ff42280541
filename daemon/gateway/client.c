/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of clients: heads of requests, one exchange after the other,
 * what may take how long, and ends. A timer is set to the nearest moment
 * that matters and looks again when it fires: a deadline that moves on, as
 * most do, costs nothing.
 *
 * A client that has closed its half only is still answered. After an answer
 * that came before the request was read to its end, the connection is read
 * for a while: to close it at once would destroy the answer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/gateway/gw.h"
#include "daemon/gateway/tls.h"
#include "host/cleanup.h"

#define ROUNDS_MAX	 4u /* of one client in a row */
#define LINGER_NS	 (2000 * NS_PER_MS)
#define PASSED_NS	 (10 * NS_PER_MS)
#define LINGER_BYTES_MAX (1u << 20)
#define EVENTS		 (EPOLLIN | EPOLLRDHUP | EPOLLET)

static void set_timer(struct client *c);

/* ---- beginning and end --------------------------------------------------- */

static void on_timer(struct loop_timer *t)
{
	struct client *c = container_of(t, struct client, timer);

	c->timer_at = NS_NEVER;
	gw_run(c);
}

static void on_client(struct loop_watch *w, uint32_t events)
{
	struct client *c = container_of(w, struct client, watch);

	c->readable = true;
	if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP) || c->tls)
		c->writable = true;
	if (events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP))
		c->hup = true;
	/* Once said, it is not said again, though a request be unread. */
	if (events & (EPOLLERR | EPOLLHUP))
		c->gone = true;
	gw_run(c);
}

void client_set_address(struct client *c, const struct sockaddr_storage *ss)
{
	const struct sockaddr_in6 *v6 = (const void *)ss;
	const struct sockaddr_in *v4 = (const void *)ss;
	const int on = 1;

	if (ss->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], c->addr,
			  sizeof(c->addr));
	else if (ss->ss_family == AF_INET6)
		inet_ntop(AF_INET6, &v6->sin6_addr, c->addr, sizeof(c->addr));
	else if (ss->ss_family == AF_INET)
		inet_ntop(AF_INET, &v4->sin_addr, c->addr, sizeof(c->addr));
	else
		memcpy(c->addr, "unknown", sizeof("unknown"));
	if (ss->ss_family == AF_INET || ss->ss_family == AF_INET6)
		setsockopt(c->tr.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void go_idle(struct client *c)
{
	c->since_ns = loop_now_ns(c->g->loop);
	list_add_tail(&c->g->idle, &c->idle);
	gw_room(c->g);
}

struct client *client_new(struct gateway *g, int fd, struct tls *tls)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return NULL;
	}
	c->g = g;
	c->tr.fd = fd;
	c->tr.ops = &transport_plain;
	c->tls = tls != NULL;
	c->watch.ready = on_client;
	c->timer.fire = on_timer;
	c->timer_at = NS_NEVER;
	c->writable = true;
	list_init(&c->woken);
	list_init(&c->idle);
	if ((tls && tls_attach(tls, &c->tr) < 0) ||
	    loop_watch(g->loop, &c->watch, fd, EVENTS) < 0) {
		c->tr.ops->close(&c->tr);
		free(c);
		return NULL;
	}
	list_add_tail(&g->clients, &c->node);
	g->client_count++;
	if (g->cfg.metrics)
		metrics_add(g->cfg.metrics, METRIC_CONNECTIONS_TOTAL, NO_LABELS,
			    1);
	go_idle(c);
	c->head_at = c->since_ns + g->cfg.head_ms * NS_PER_MS;
	set_timer(c);
	return c;
}

void client_close(struct client *c)
{
	struct gateway *g = c->g;

	if (c->state == C_CLOSED)
		return;
	if (c->x) {
		exchange_release(c, false);
		exchange_report(c);
		gw_exchange_free(g, c->x);
		c->x = NULL;
	}
	c->state = C_CLOSED;
	loop_unwatch(&c->watch);
	loop_timer_cancel(g->loop, &c->timer);
	c->tr.ops->close(&c->tr);
	list_del(&c->idle);
	list_del(&c->woken);
	list_del(&c->node);
	if (c->caller)
		c->caller->calls--;
	version_unref(take_ptr(c->caller));
	list_add_tail(&g->dead_clients, &c->node);
	g->client_count--;
	gw_room(g);
	gw_reap_soon(g);
}

void client_free(struct client *c)
{
	free(c);
}

/* ---- bytes --------------------------------------------------------------- */

ssize_t client_read(struct client *c, char *buf, size_t len)
{
	ssize_t n;

	if (c->eof)
		return 0;
	if (!c->readable)
		return -EAGAIN;
	n = c->tr.ops->read(&c->tr, buf, len);
	if (n == 0)
		c->eof = true;
	/* Less than there was room for: that was all, the next comes with an
	 * event. Not so with TLS, which reads by records, and at the end. */
	if (n == -EAGAIN || (n > 0 && (size_t)n < len && !c->tls && !c->hup))
		c->readable = false;
	return n == -EINTR ? -EAGAIN : n;
}

static int stop_sending(struct client *c)
{
	c->writable = false;
	if (c->wants_out)
		return 0;
	c->wants_out = true;
	return loop_rewatch(&c->watch, EVENTS | EPOLLOUT);
}

int client_send(struct client *c, struct flow *f)
{
	bool some = false;
	ssize_t n;

	while (c->writable && !flow_is_empty(f)) {
		n = c->tr.ops->write(&c->tr, f->buf + f->pos, f->len - f->pos);
		if (n == -EAGAIN)
			return stop_sending(c) < 0 ? -EIO : some;
		if (n < 0)
			return (int)n;
		flow_sent(f, (size_t)n);
		some = true;
	}
	return some;
}

/* ---- heads --------------------------------------------------------------- */

static void head_failed(struct client *c)
{
	struct exchange *x = c->x;
	struct gateway *g = c->g;

	/* Where the next request would begin is not known. */
	x->last = true;
	x->to_up.ended = false;
	if (g->cfg.metrics)
		metrics_add(g->cfg.metrics, METRIC_BAD_REQUESTS, NO_LABELS, 1);
	gw_fail_with(c, x->req.answer, false, "%s", x->req.why);
}

/* What came so far: whether more is wanted. */
static bool parse_head(struct client *c)
{
	struct exchange *x = c->x;

	switch (http_head_parse(&x->req, x->in.buf, x->in.len)) {
	case HTTP_MORE:
		return true;
	case HTTP_BAD:
		head_failed(c);
		return false;
	case HTTP_DONE:
		break;
	}
	x->in.pos = x->req.len;
	exchange_begin(c);
	c->again = true;
	return false;
}

static bool head_room(struct client *c)
{
	struct exchange *x = c->x;

	if (!x) {
		x = c->x = gw_exchange_new(c->g);
		if (!x)
			return false;
		x->client = c;
		http_request_init(&x->req, &gw_limits);
	}
	if (!x->in.buf)
		x->in.buf = flow_buffer(&c->g->pool);
	return x->in.buf;
}

/* The first byte of a request is there. */
static void leave_idle(struct client *c)
{
	list_del(&c->idle);
	if (c->served)
		c->head_at =
			loop_now_ns(c->g->loop) + c->g->cfg.head_ms * NS_PER_MS;
}

static void give_up_room(struct client *c)
{
	gw_exchange_free(c->g, c->x);
	c->x = NULL;
}

static void read_head(struct client *c)
{
	struct exchange *x;
	ssize_t n;

	if (c->pushed && c->x) {
		c->pushed = false;
		if (!parse_head(c))
			return;
	}
	do {
		if (!head_room(c)) {
			client_close(c);
			return;
		}
		x = c->x;
		n = client_read(c, x->in.buf + x->in.len,
				FLOW_SIZE - x->in.len);
		if (n == -EAGAIN) {
			if (x->in.len == 0)
				give_up_room(c);
			return;
		}
		if (n <= 0) {
			client_close(c);
			return;
		}
		if (x->in.len == 0)
			leave_idle(c);
		x->in.len += (uint32_t)n;
	} while (parse_head(c));
}

int client_push(struct client *c, const char *buf, size_t len)
{
	if (!head_room(c)) {
		client_close(c);
		return -ENOMEM;
	}
	memcpy(c->x->in.buf, buf, len);
	leave_idle(c);
	c->x->in.len = (uint32_t)len;
	c->pushed = true;
	gw_wake(c);
	return 0;
}

/* ---- after an answer ----------------------------------------------------- */

static void linger(struct client *c)
{
	char buf[4096];
	ssize_t n;

	while ((n = client_read(c, buf, sizeof(buf))) > 0) {
		c->lingered += (uint32_t)n;
		if (c->lingered > LINGER_BYTES_MAX)
			break;
	}
	if (n != -EAGAIN)
		client_close(c);
}

static void begin_linger(struct client *c)
{
	gw_exchange_free(c->g, c->x);
	c->x = NULL;
	c->state = C_LINGER;
	c->since_ns = loop_now_ns(c->g->loop);
	c->tr.ops->finish(&c->tr);
	c->again = true;
}

/* What came behind the request begins the next one. */
static void keep_rest(struct client *c, struct exchange *old)
{
	uint32_t n = old->in.len - old->in.pos;

	if (n == 0) {
		go_idle(c);
		c->again = c->readable || c->eof;
		return;
	}
	c->head_at = loop_now_ns(c->g->loop) + c->g->cfg.head_ms * NS_PER_MS;
	c->x = gw_exchange_new(c->g);
	if (!c->x) {
		client_close(c);
		return;
	}
	c->x->client = c;
	http_request_init(&c->x->req, &gw_limits);
	c->x->in = (struct inlet){ old->in.buf, 0, n };
	memmove(old->in.buf, old->in.buf + old->in.pos, n);
	old->in.buf = NULL;
	if (parse_head(c))
		c->again = true;
}

void client_next(struct client *c)
{
	struct exchange *x = c->x;
	bool whole = x->to_up.ended;

	exchange_report(c);
	c->served = true;
	if (!x->last && whole && !c->g->draining) {
		c->x = NULL;
		keep_rest(c, x);
		gw_exchange_free(c->g, x);
	} else if (c->eof || (whole && x->in.pos == x->in.len && !c->readable &&
			      !c->tls)) {
		client_close(c);
	} else {
		begin_linger(c);
	}
}

/* ---- time ---------------------------------------------------------------- */

static uint64_t min_ns(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t after_ms(uint64_t from_ns, uint64_t ms)
{
	return ms ? from_ns + ms * NS_PER_MS : NS_NEVER;
}

/* Its request was sent, and nothing of the answer has come. */
static bool waits_for_first_byte(const struct exchange *x)
{
	return !x->answered && !x->from_up.len && x->to_up.ended &&
	       flow_is_empty(&x->to_up);
}

static uint64_t quiet_deadline(const struct exchange *x)
{
	const struct spec *s = &x->version->spec;

	if (waits_for_first_byte(x))
		return after_ms(x->sent_ns, s->first_byte_ms);
	return after_ms(x->progress_ns, s->idle_ms);
}

static uint64_t exchange_deadline(const struct client *c)
{
	const struct exchange *x = c->x;
	uint64_t at;

	if (x->state == X_ANSWER)
		return after_ms(x->progress_ns, c->g->cfg.send_ms);
	if (x->tunnel)
		return x->settle_ns ? x->settle_ns : NS_NEVER;
	at = after_ms(x->arrived_ns, x->version->spec.total_ms);
	if (x->state == X_CONNECT)
		at = min_ns(at, x->connect_ns);
	if (x->state == X_RELAY) {
		at = min_ns(at, quiet_deadline(x));
		if (!flow_is_empty(&x->to_client))
			at = min_ns(at, after_ms(x->progress_ns,
						 c->g->cfg.send_ms));
		if (x->settle_ns)
			at = min_ns(at, x->settle_ns);
	}
	return at;
}

static uint64_t deadline(const struct client *c)
{
	if (c->again)
		return loop_now_ns(c->g->loop) + 1;
	if (c->state == C_LINGER)
		return c->since_ns + LINGER_NS;
	if (c->x && c->x->begun)
		return exchange_deadline(c);
	if (c->x || !c->served)
		return c->head_at;
	return c->since_ns + c->g->cfg.keep_ms * NS_PER_MS;
}

static void set_timer(struct client *c)
{
	uint64_t now = loop_now_ns(c->g->loop), at = deadline(c);

	/* One that has passed and changed nothing must not take all time. */
	if (at <= now)
		at = now + PASSED_NS;
	if (at >= c->timer_at)
		return;
	if (loop_timer_set(c->g->loop, &c->timer, at) < 0) {
		client_close(c);
		return;
	}
	c->timer_at = at;
}

static void quiet_too_long(struct client *c)
{
	struct exchange *x = c->x;
	const struct spec *s = &x->version->spec;

	if (waits_for_first_byte(x))
		gw_fail_with(c, 504, true,
			     "the function sent no answer within %u ms",
			     s->first_byte_ms);
	else if (!flow_is_empty(&x->to_client))
		gw_abort(c, false, "the client took nothing of the answer");
	else if (!x->to_up.ended && flow_is_empty(&x->to_up) && !x->answered)
		gw_fail_with(c, 408, false,
			     "nothing of the request's body came for %u ms",
			     s->idle_ms);
	else
		gw_fail_with(c, 504, true, "the function was silent for %u ms",
			     s->idle_ms);
}

static void exchange_expired(struct client *c, uint64_t now)
{
	struct exchange *x = c->x;
	uint32_t total_ms;

	if (x->state == X_ANSWER) {
		gw_abort(c, false, "the client took nothing of the answer");
		return;
	}
	total_ms = x->version->spec.total_ms;
	if (now >= after_ms(x->arrived_ns, total_ms))
		gw_fail_with(c, 504, true, "the request took longer than %u ms",
			     total_ms);
	else if (x->state == X_RELAY &&
		 (now >= quiet_deadline(x) ||
		  (!flow_is_empty(&x->to_client) &&
		   now >= after_ms(x->progress_ns, c->g->cfg.send_ms))))
		quiet_too_long(c);
}

static void expired(struct client *c, uint64_t now)
{
	struct exchange *x = c->x;

	if (x && x->begun) {
		if (!x->tunnel)
			exchange_expired(c, now);
	} else if (x && x->in.len) {
		x->last = true;
		x->to_up.ended = false;
		gw_fail_with(c, 408, false,
			     "the head of the request took longer than %u ms",
			     c->g->cfg.head_ms);
	} else {
		client_close(c);
	}
}

/* ---- running ------------------------------------------------------------- */

void gw_wake(struct client *c)
{
	c->again = true;
	if (c->running || c->state == C_CLOSED || !list_empty(&c->woken))
		return;
	list_add_tail(&c->g->woken, &c->woken);
	gw_reap_soon(c->g);
}

static void step_exchange(struct client *c)
{
	struct exchange *x = c->x;
	int r;

	switch (x->state) {
	case X_HEAD:
		read_head(c);
		break;
	case X_WAIT:
		if (x->assigned)
			exchange_connect(c);
		break;
	case X_CONNECT:
		if (loop_now_ns(c->g->loop) >= x->connect_ns)
			exchange_connect(c);
		break;
	case X_RELAY:
		relay_run(c);
		break;
	case X_ANSWER:
		r = client_send(c, &x->to_client);
		if (r > 0)
			x->progress_ns = loop_now_ns(c->g->loop);
		if (r < 0)
			gw_abort(c, false, "the client went away");
		else if (flow_is_empty(&x->to_client))
			client_next(c);
		break;
	}
}

void gw_run(struct client *c)
{
	unsigned rounds = 0;
	uint64_t now = loop_now_ns(c->g->loop);

	if (c->running || c->state == C_CLOSED)
		return;
	c->running = true;
	do {
		c->again = false;
		if (c->gone && c->x && c->x->begun && !c->x->tunnel)
			gw_abort(c, false, "the client went away");
		else if (c->state == C_LINGER)
			linger(c);
		else if (c->x)
			step_exchange(c);
		else
			read_head(c);
	} while (c->again && c->state != C_CLOSED && ++rounds < ROUNDS_MAX);
	if (c->state != C_CLOSED && !c->again && now >= deadline(c)) {
		expired(c, now);
		if (c->state == C_OPEN && c->x && c->x->state == X_ANSWER)
			step_exchange(c);
	}
	c->running = false;
	if (c->state != C_CLOSED)
		set_timer(c);
}
