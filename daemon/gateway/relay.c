/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both directions of an exchange at once, as far as each can go: the request
 * to the instance, its answer to the client, each through one buffer. A side
 * is read only when the other has taken what was read before, so that a slow
 * one slows down the other and nothing piles up.
 *
 * A connection that an instance closes too early is believed only after a
 * moment, in which dispatch can say that the instance has ended, and why.
 */
#include <errno.h>
#include <string.h>

#include "daemon/gateway/gw.h"
#include "host/cleanup.h"

#define ROUNDS_MAX	8u
#define SETTLE_NS	(50 * NS_PER_MS) /* an end that nobody expected */
#define SETTLE_CLEAN_NS NS_PER_MS /* an end that may be right */
#define CONTINUE	"HTTP/1.1 100 Continue\r\n\r\n"

static bool is_active(const struct client *c)
{
	return c->state == C_OPEN && c->x && c->x->state == X_RELAY;
}

static void note_progress(struct client *c)
{
	c->x->progress_ns = loop_now_ns(c->g->loop);
}

/* ---- heads --------------------------------------------------------------- */

void relay_text_begin(struct flow *f, struct text *t)
{
	memset(t, 0, sizeof(*t));
	if (!f->buf)
		f->buf = flow_buffer(f->pool);
	if (!f->buf) {
		t->full = true;
		return;
	}
	t->buf = f->buf + f->len;
	t->size = FLOW_SIZE - f->len;
}

bool relay_text_end(struct flow *f, const struct text *t)
{
	if (t->full)
		return false;
	f->len += (uint32_t)t->len;
	return true;
}

static bool put_request(struct client *c)
{
	struct exchange *x = c->x;
	const struct forward_request f = {
		.client = c->addr,
		.tls = c->tls,
		.trusted = c->g->cfg.trust_forwarded,
		.upgrade = x->upgrade,
		.last = x->version->spec.isolation == ISOLATION_REQUEST,
		.hide_token = x->wants_token && !c->caller,
		.id = x->id,
		.instance = x->instance,
		.traceparent = x->traceparent,
		.traced = x->traced,
		.start_us = x->arrived_us,
		.prefix_len = x->route.prefix_len,
		.body = http_framing(&x->req, HTTP_OTHER_METHOD),
	};
	struct text t;

	relay_text_begin(&x->to_up, &t);
	forward_request(&t, &x->req, x->in.buf, &f);
	return relay_text_end(&x->to_up, &t);
}

void relay_begin(struct client *c)
{
	struct exchange *x = c->x;

	http_response_init(&x->res, &gw_limits);
	if (x->req.expect_continue && !x->to_up.ended && !x->retried &&
	    x->in.pos == x->in.len)
		flow_put(&x->to_client, CONTINUE, sizeof(CONTINUE) - 1);
	x->held = exchange_is_stdio(x);
	if (!x->held && !put_request(c))
		gw_fail_with(c, 431, false,
			     "the head of the request is too long");
}

/* ---- to the instance ----------------------------------------------------- */

static bool send_up(struct client *c)
{
	struct exchange *x = c->x;
	struct upstream *u = x->up;
	bool some = false;
	ssize_t n;

	while (u && !x->up_failed && !flow_is_empty(&x->to_up)) {
		n = upstream_write(u, x->to_up.buf + x->to_up.pos,
				   x->to_up.len - x->to_up.pos);
		if (n == -EAGAIN)
			break;
		some = true;
		if (n < 0) {
			/* It may have answered before it stopped reading. */
			x->up_failed = true;
			flow_drop(&x->to_up);
			u->readable = true;
			break;
		}
		flow_sent(&x->to_up, (size_t)n);
		x->up_wrote = true;
		note_progress(c);
		x->sent_ns = x->progress_ns;
	}
	if (u && x->to_up.ended && flow_is_empty(&x->to_up) && !x->in_passed &&
	    (x->tunnel || !u->is_socket)) {
		x->in_passed = true;
		upstream_finish(u);
	}
	return some;
}

/* Bytes of the body are in the flow. False: it was the end of the exchange. */
static bool took_body(struct client *c, ssize_t taken)
{
	struct exchange *x = c->x;
	uint64_t max = x->version->spec.request_bytes_max;

	if (taken < 0) {
		gw_fail_with(c, 400, false, "%s", x->to_up.chunked.why);
		return false;
	}
	if (max && x->to_up.bytes > max && !x->tunnel) {
		gw_fail_with(c, 413, false,
			     "the request's body is larger than %llu bytes",
			     (unsigned long long)max);
		return false;
	}
	x->body_begun = true;
	note_progress(c);
	return true;
}

static size_t limit_room(const struct flow *f, size_t room)
{
	if (f->from == HTTP_BY_LENGTH && f->left < room)
		return (size_t)f->left;
	return room;
}

/* What was read together with the head. */
static bool fill_from_inlet(struct client *c, size_t n)
{
	struct exchange *x = c->x;
	size_t room;
	char *space = flow_space(&x->to_up, &room);
	ssize_t taken;

	if (!space)
		return false;
	room = limit_room(&x->to_up, room);
	if (n > room)
		n = room;
	memcpy(space, x->in.buf + x->in.pos, n);
	taken = flow_take(&x->to_up, n, NULL);
	if (taken > 0)
		x->in.pos += (uint32_t)taken;
	return took_body(c, taken);
}

static void client_ended(struct client *c, ssize_t n)
{
	if (n == 0 && flow_take_end(&c->x->to_up))
		return;
	gw_abort(c, false,
		 n == 0 ? "the client closed before its request was complete" :
			  "the client went away");
}

static bool fill_up(struct client *c)
{
	struct exchange *x = c->x;
	size_t room;
	char *space;
	ssize_t n, taken;

	if (x->to_up.ended || x->up_failed || !x->up)
		return false;
	if (x->in.pos < x->in.len)
		return fill_from_inlet(c, x->in.len - x->in.pos);
	if (!flow_is_empty(&x->to_up) || (!c->readable && !c->eof))
		return false;
	/* Room for the next request, if that comes along. */
	x->in.pos = x->in.len = x->req.len;
	space = flow_space(&x->to_up, &room);
	if (!space) {
		gw_fail_with(c, 503, false, "memory is short");
		return false;
	}
	if (room > FLOW_SIZE - x->in.len)
		room = FLOW_SIZE - x->in.len;
	n = client_read(c, space, limit_room(&x->to_up, room));
	if (n <= 0) {
		flow_sent(&x->to_up, 0);
		if (n != -EAGAIN)
			client_ended(c, n);
		return n == 0;
	}
	taken = flow_take(&x->to_up, (size_t)n, x->in.buf + x->in.len);
	if (taken >= 0)
		x->in.len += (uint32_t)(n - taken);
	return took_body(c, taken);
}

/* ---- from the instance --------------------------------------------------- */

/* That it left some of the request unread is not told apart. */
static void up_ended(struct client *c)
{
	struct exchange *x = c->x;
	bool maybe_clean = x->answered && x->to_client.from == HTTP_BY_CLOSE;

	if (!x->answered && x->up->is_socket && exchange_retry(c))
		return;
	x->up_eof = true;
	if (x->tunnel)
		flow_take_end(&x->to_client);
	else if (x->up->is_socket) /* else its program ends, which is told */
		x->settle_ns = loop_now_ns(c->g->loop) +
			       (maybe_clean ? SETTLE_CLEAN_NS : SETTLE_NS);
}

static bool start_answer(struct client *c)
{
	struct exchange *x = c->x;
	enum http_framing from = http_framing(&x->res, x->req.method);
	bool chunks = x->req.minor >= 1 &&
		      (from == HTTP_BY_CHUNKS || from == HTTP_BY_CLOSE);
	struct forward_response f = { .id = x->id,
				      .instance = x->instance,
				      .date = gw_date(c->g),
				      .client_minor = x->req.minor,
				      .chunked = chunks,
				      .upgraded = from == HTTP_TUNNEL };
	struct text t;

	if (x->req.minor == 0 &&
	    (from == HTTP_BY_CHUNKS || from == HTTP_BY_CLOSE))
		x->last = c->resets = true;
	/* The rest of the body will not be read. */
	if (x->up_failed && !x->to_up.ended)
		x->last = true;
	f.close = x->last;
	f.has_length = x->res.has_length && x->res.status != 204 &&
		       from != HTTP_TUNNEL;
	relay_text_begin(&x->to_client, &t);
	forward_response(&t, &x->res, x->from_up.buf, &f);
	if (!relay_text_end(&x->to_client, &t)) {
		gw_fail_with(c, 502, true,
			     "the head of the function's answer is too long");
		return false;
	}
	flow_begin(&x->to_client, from, x->res.length, chunks);
	x->from_up.pos = x->res.len;
	x->status = x->res.status;
	x->answered = true;
	x->tunnel = from == HTTP_TUNNEL;
	if (x->tunnel)
		flow_begin(&x->to_up, HTTP_TUNNEL, 0, false);
	return true;
}

/* A whole head is there. False: the exchange has failed. */
static bool got_head(struct client *c)
{
	struct exchange *x = c->x;
	uint64_t max = x->version->spec.response_bytes_max;
	struct inlet *in = &x->from_up;

	if (x->res.status == 101 && !x->upgrade) {
		gw_fail_with(c, 502, true,
			     "the function switched protocols unasked");
		return false;
	}
	if (x->res.status >= 200 || x->res.status == 101) {
		if (max && x->res.length > max) {
			gw_fail_with(c, 502, false,
				     "the function's answer is larger than "
				     "%llu bytes",
				     (unsigned long long)max);
			return false;
		}
		return start_answer(c);
	}
	if (++x->informed > GW_INFORM_MAX) {
		gw_fail_with(c, 502, true,
			     "the function sent too many interim answers");
		return false;
	}
	in->len -= x->res.len;
	memmove(in->buf, in->buf + x->res.len, in->len);
	http_response_init(&x->res, &gw_limits);
	return true;
}

/* False: the exchange has failed, or there is no whole head yet. */
static bool parse_heads(struct client *c)
{
	struct exchange *x = c->x;

	while (!x->answered) {
		switch (http_head_parse(&x->res, x->from_up.buf,
					x->from_up.len)) {
		case HTTP_MORE:
			return false;
		case HTTP_BAD:
			gw_fail_with(c, 502, true,
				     "the function's answer is malformed: %s",
				     x->res.why);
			return false;
		case HTTP_DONE:
			if (!got_head(c))
				return false;
		}
	}
	return true;
}

static bool took_answer(struct client *c, size_t n, ssize_t taken)
{
	struct exchange *x = c->x;
	uint64_t max = x->version->spec.response_bytes_max;

	note_progress(c);
	if (taken < 0) {
		gw_abort(c, true, x->to_client.chunked.why);
		return false;
	}
	if ((size_t)taken < n)
		x->up_extra = true;
	if (max && x->to_client.bytes > max && !x->tunnel) {
		gw_abort(c, false, "the function's answer is too large");
		return false;
	}
	return true;
}

bool relay_receive_inlet(struct client *c)
{
	struct exchange *x = c->x;
	struct inlet *in = &x->from_up;
	size_t n = in->len - in->pos, room;
	char *space = flow_space(&x->to_client, &room);
	ssize_t taken;

	if (!space)
		return false;
	if (n > room)
		n = room;
	memcpy(space, in->buf + in->pos, n);
	taken = flow_take(&x->to_client, n, NULL);
	in->pos += (uint32_t)n;
	return took_answer(c, n, taken);
}

ssize_t relay_fill_inlet(struct client *c)
{
	struct exchange *x = c->x;
	struct inlet *in = &x->from_up;
	ssize_t n;

	/* First what was said before, such as 100. */
	if (!flow_is_empty(&x->to_client) || !x->up->readable)
		return -EAGAIN;
	if (!in->buf)
		in->buf = flow_buffer(&c->g->pool);
	if (!in->buf) {
		gw_fail_with(c, 503, false, "memory is short");
		return -EAGAIN;
	}
	n = upstream_read(x->up, in->buf + in->len, FLOW_SIZE - in->len);
	if (n > 0)
		in->len += (uint32_t)n;
	return n;
}

static bool receive_head(struct client *c)
{
	struct exchange *x = c->x;
	struct inlet *in = &x->from_up;
	ssize_t n;

	n = relay_fill_inlet(c);
	if (n == -EAGAIN)
		return false;
	if (n <= 0) {
		up_ended(c);
		return is_active(c) && !x->up_eof;
	}
	note_progress(c);
	/* Head and body leave in one go. */
	if (parse_heads(c) && !x->to_client.ended && in->pos < in->len)
		relay_receive_inlet(c);
	return is_active(c);
}

static bool receive_body(struct client *c)
{
	struct exchange *x = c->x;
	size_t room;
	char *space;
	ssize_t n;

	if (x->to_client.ended || !x->up)
		return false;
	if (x->from_up.pos < x->from_up.len)
		return relay_receive_inlet(c);
	flow_buffer_free(&c->g->pool, take_ptr(x->from_up.buf));
	if (!flow_is_empty(&x->to_client) || x->up_eof || !x->up->readable)
		return false;
	space = flow_space(&x->to_client, &room);
	if (!space) {
		gw_abort(c, false, "memory is short");
		return false;
	}
	n = upstream_read(x->up, space, room);
	if (n > 0)
		return took_answer(c, (size_t)n,
				   flow_take(&x->to_client, (size_t)n, NULL));
	flow_sent(&x->to_client, 0);
	if (n != -EAGAIN)
		up_ended(c);
	return false;
}

static bool receive(struct client *c)
{
	struct exchange *x = c->x;

	if (!x->up)
		return false;
	if (x->held)
		return stdio_receive(c);
	if (!x->answered)
		return !x->up_eof && receive_head(c);
	return receive_body(c);
}

/* ---- to the client ------------------------------------------------------- */

static bool send_down(struct client *c)
{
	int r = client_send(c, &c->x->to_client);

	if (r < 0) {
		gw_abort(c, false, "the client went away");
		return false;
	}
	if (r)
		note_progress(c);
	return r > 0;
}

/* ---- ends ---------------------------------------------------------------- */

/* The instance sends no more, and it is known why, or will not be. */
static void up_settled(struct client *c)
{
	struct exchange *x = c->x;

	x->settle_ns = 0;
	if (!x->up->is_socket) {
		stdio_end(c);
	} else if (!x->answered && x->ended) {
		gw_fail_with(c, 502, true, "the instance ended: %s",
			     x->ended_why);
	} else if (!x->answered) {
		gw_fail_with(c, 502, true,
			     x->from_up.len ?
				     "the function closed the connection in "
				     "the head of its answer" :
				     "the function closed the connection "
				     "without an answer");
	} else if ((x->ended && !x->ended_well) ||
		   !flow_take_end(&x->to_client)) {
		gw_abort(c, true,
			 x->ended ? x->ended_why :
				    "the function ended its answer too early");
	}
}

static void check_up_end(struct client *c)
{
	struct exchange *x = c->x;

	if (!x->up)
		return;
	/* All is read that the instance left behind. */
	if (x->ended && !x->up->readable && !x->tunnel &&
	    (!x->answered || (flow_is_empty(&x->to_client) &&
			      x->from_up.pos == x->from_up.len)))
		x->up_eof = true;
	if (!x->up_eof || x->tunnel || (x->answered && x->to_client.ended))
		return;
	if (x->from_up.pos < x->from_up.len && x->answered)
		return;
	if (x->ended ||
	    (x->settle_ns && loop_now_ns(c->g->loop) >= x->settle_ns))
		up_settled(c);
}

/* One side has ended: the other may go on, but not be quiet for ever. */
static void wait_for_half(struct client *c)
{
	struct exchange *x = c->x;

	if (!x->settle_ns)
		note_progress(c);
	x->settle_ns = x->progress_ns + c->g->cfg.half_ms * NS_PER_MS;
	if (loop_now_ns(c->g->loop) >= x->settle_ns)
		gw_abort(c, false,
			 "nothing came for too long after one side had ended");
}

static void conclude_tunnel(struct client *c)
{
	struct exchange *x = c->x;
	bool out = x->to_client.ended && flow_is_empty(&x->to_client);
	bool in = x->in_passed || x->up_failed;

	if (out && !x->out_passed) {
		x->out_passed = true;
		c->tr.ops->finish(&c->tr);
	}
	if ((out && (in || x->ended)) || (c->gone && in)) {
		exchange_release(c, false);
		exchange_report(c);
		client_close(c);
	} else if (x->to_client.ended || x->to_up.ended || in || c->gone) {
		wait_for_half(c);
	}
}

/* The answer was read to its end: the instance is free, however long the
 * client takes. */
static void conclude(struct client *c)
{
	struct exchange *x = c->x;

	if (x->tunnel) {
		conclude_tunnel(c);
		return;
	}
	if (!x->answered || !x->to_client.ended)
		return;
	if (x->up && x->from_up.pos < x->from_up.len)
		x->up_extra = true;
	if (x->assigned)
		exchange_release(c, false);
	if (flow_is_empty(&x->to_client))
		client_next(c);
}

void relay_run(struct client *c)
{
	unsigned rounds = 0;
	bool some = true;

	while (some && is_active(c) && rounds++ < ROUNDS_MAX) {
		some = fill_up(c);
		if (is_active(c))
			some |= send_up(c);
		if (is_active(c))
			some |= receive(c);
		if (is_active(c))
			some |= send_down(c);
	}
	if (is_active(c))
		check_up_end(c);
	if (is_active(c) && !flow_is_empty(&c->x->to_client))
		some |= send_down(c);
	if (is_active(c))
		conclude(c);
	if (some && is_active(c))
		c->again = true;
}
