/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the head of a request to an instance, and back: which function it is
 * for, whether this client may call it, the wait for an instance, the way
 * there, and the line in the access log.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/gateway/gw.h"
#include "daemon/logs/access.h"
#include "host/cleanup.h"
#include "launch/egress_policy.h"

#define HOST_MAX	 HTTP_AUTHORITY_MAX
#define CONNECT_PAUSE_NS (2 * NS_PER_MS)
#define CONNECTS_FULL	 100u /* tries while its queue is full */
#define CONNECTS_GONE	 10u /* and while it does not answer */

bool exchange_is_stdio(const struct exchange *x)
{
	return x->version->spec.mode == FUNCTION_STDIO;
}

/* ---- who is asked -------------------------------------------------------- */

static void set_identity(struct client *c)
{
	struct exchange *x = c->x;
	const struct http_field *f = http_find(&x->req, HTTP_X_REQUEST_ID);
	const char *buf = x->in.buf;
	struct http_span v = { 0, 0 };
	uint8_t random[24];

	gw_random(c->g, random, sizeof(random));
	if (f)
		v = f->value;
	if (forward_is_sane_id(buf + v.off, v.len))
		memcpy(x->id, buf + v.off, v.len);
	else
		forward_hex(x->id, random, 16);
	memcpy(x->rq.id, x->id, sizeof(x->rq.id));
	gw_random(c->g, random, sizeof(random));
	f = http_find(&x->req, HTTP_TRACEPARENT);
	v = f ? f->value : (struct http_span){ 0, 0 };
	x->traced =
		forward_traceparent(x->traceparent, buf + v.off, v.len, random);
}

/* The host without its port. */
static uint32_t host_len(const char *host, uint32_t len)
{
	const char *colon = memrchr(host, ':', len);

	if (!colon || memchr(colon, ']', (size_t)(host + len - colon)))
		return len;
	return (uint32_t)(colon - host);
}

/* The registry wants strings: the byte behind the path, which is one of the
 * head at any rate, is a NUL for the time being. */
static void find_route(struct client *c)
{
	struct exchange *x = c->x;
	char *path = x->in.buf + x->req.path.off, end, host[HOST_MAX + 1];
	const char *from = x->in.buf + x->req.host.off;
	uint32_t n = host_len(from, x->req.host.len);

	memcpy(host, from, n);
	host[n] = 0;
	end = path[x->req.path.len];
	path[x->req.path.len] = 0;
	registry_route(c->g->cfg.registry, &x->route, host,
		       x->req.path.len ? path : "/");
	path[x->req.path.len] = end;
	if (x->route.prefix_len > x->req.path.len)
		x->route.prefix_len = x->req.path.len;
}

/* Functions know each other by names that are of no use to others. */
static bool find_callee(struct client *c)
{
	const size_t tail = sizeof(EGRESS_FUNCTIONS) - 1;
	struct exchange *x = c->x;
	const char *host = x->in.buf + x->req.host.off;
	size_t n = host_len(host, x->req.host.len);
	char name[FUNCTION_NAME_MAX + 1];

	if (n <= tail || n - tail > FUNCTION_NAME_MAX ||
	    !http_text_is(host + n - tail, tail, EGRESS_FUNCTIONS))
		return false;
	for (size_t i = 0; i < n - tail; i++)
		name[i] = (char)tolower((unsigned char)host[i]);
	name[n - tail] = '\0';
	x->route = (struct route){ .function = registry_find(c->g->cfg.registry,
							     name) };
	return true;
}

static bool may_call(struct client *c)
{
	const struct gateway_config *g = &c->g->cfg;
	struct exchange *x = c->x;
	const struct http_field *f = http_find(&x->req, HTTP_AUTHORIZATION);
	const char *s;
	uint32_t len;

	if (!x->wants_token)
		return true;
	if (!f || f->value.len < 8 || !g->token_ok)
		return false;
	s = x->in.buf + f->value.off;
	len = f->value.len;
	if (!http_text_is(s, 7, "bearer "))
		return false;
	for (s += 7, len -= 7; len && *s == ' '; s++)
		len--;
	return len && g->token_ok(g->token_ctx, x->version->function, s, len);
}

static bool find_version(struct client *c)
{
	struct exchange *x = c->x;
	struct version *v;
	uint32_t dice;

	if (!c->caller || !find_callee(c))
		find_route(c);
	if (!x->route.function) {
		gw_fail_with(c, 404, false,
			     "no function answers to this host and path");
		return false;
	}
	gw_random(c->g, (uint8_t *)&dice, sizeof(dice));
	v = function_pick(x->route.function,
			  x->route.alias[0] ? x->route.alias : NULL, dice);
	if (!v || v->removed) {
		gw_fail_with(c, 404, false,
			     "the function %s has no version that answers",
			     x->route.function->name);
		return false;
	}
	x->version = version_ref(v);
	x->wants_token = v->spec.needs_token ||
			 (!c->trusted && !version_is_public(v));
	return true;
}

/* ---- whether it is a request we take ------------------------------------- */

static bool is_body_ok(struct client *c)
{
	const struct spec *s = &c->x->version->spec;
	const struct http_head *h = &c->x->req;

	if (h->minor == 0 && !h->has_length &&
	    (h->method == HTTP_POST || h->method == HTTP_PUT ||
	     h->method == HTTP_PATCH)) {
		gw_fail_with(c, 411, false,
			     "a request of HTTP/1.0 with a body needs a "
			     "Content-Length");
		return false;
	}
	if (s->request_bytes_max && h->length > s->request_bytes_max) {
		gw_fail_with(c, 413, false,
			     "the request's body is larger than %llu bytes",
			     (unsigned long long)s->request_bytes_max);
		return false;
	}
	return true;
}

static bool is_supported(struct client *c)
{
	const struct http_head *h = &c->x->req;

	if (h->method == HTTP_CONNECT || h->method == HTTP_TRACE) {
		/* What follows may be meant for somebody else. */
		c->x->last = true;
		gw_fail_with(c, 501, false, "the method %s is not implemented",
			     http_method_text(h->method));
		return false;
	}
	return true;
}

/* HTTP/2 by upgrade would hide requests from us. */
static bool wants_upgrade(const struct exchange *x)
{
	const struct http_field *f = http_find(&x->req, HTTP_UPGRADE);
	const char *s = x->in.buf;

	if (!x->req.upgrade || x->req.has_length || x->req.chunked || !f ||
	    exchange_is_stdio(x))
		return false;
	return !(f->value.len >= 3 &&
		 http_text_is(s + f->value.off, 3, "h2c")) &&
	       !memchr(s + f->value.off, ',', f->value.len);
}

/* ---- what dispatch says -------------------------------------------------- */

static struct exchange *exchange_of(struct dispatch_request *r)
{
	return container_of(r, struct exchange, rq);
}

static void on_assigned(struct dispatch_request *r)
{
	struct exchange *x = exchange_of(r);

	x->submitted = false;
	x->assigned = true;
	x->assigned_ns = loop_now_ns(x->client->g->loop);
	snprintf(x->instance, sizeof(x->instance), "%s",
		 instance_id(r->instance));
	x->start = dispatch_start_kind(r);
	gw_wake(x->client);
}

static void on_refused(struct dispatch_request *r, int status,
		       uint32_t retry_after_s, const char *why)
{
	struct exchange *x = exchange_of(r);
	const struct answer a = { .status = (uint16_t)status,
				  .retry_after_s = retry_after_s,
				  .why = why };

	x->submitted = false;
	gw_fail(x->client, &a);
}

static void on_ended(struct dispatch_request *r, const struct instance_end *end)
{
	struct exchange *x = exchange_of(r);

	x->ended = true;
	x->ended_well = end->reason == MF_EXIT_FINISHED && end->status == 0;
	snprintf(x->ended_why, sizeof(x->ended_why), "%s",
		 end->why ? end->why : "it does not say why");
	/* Its last words are there, if there are any. */
	if (x->up)
		x->up->readable = true;
	gw_wake(x->client);
}

static void submit(struct client *c)
{
	struct exchange *x = c->x;

	if (exchange_is_stdio(x)) {
		x->to_up.to_chunks = false;
		if (stdio_variables(c) < 0) {
			gw_fail_with(c, 503, false, "memory is short");
			return;
		}
		x->rq.env = &x->env;
	}
	x->rq.version = x->version;
	x->rq.trigger = c->trusted ? TRIGGER_INVOKE : TRIGGER_HTTP;
	x->rq.arrived_ns = x->arrived_ns;
	x->rq.assigned = on_assigned;
	x->rq.refused = on_refused;
	x->rq.ended = on_ended;
	x->state = X_WAIT;
	x->submitted = true;
	dispatch_submit(c->g->cfg.dispatch, &x->rq);
}

void exchange_begin(struct client *c)
{
	struct exchange *x = c->x;
	enum http_framing body = http_framing(&x->req, HTTP_OTHER_METHOD);
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	x->arrived_us =
		(uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	x->arrived_ns = x->progress_ns = loop_now_ns(c->g->loop);
	x->begun = true;
	c->g->in_flight++;
	/* What follows was not looked at by whoever trusts this request. */
	x->last = !http_is_persistent(&x->req) || c->g->draining || c->trusted;
	flow_begin(&x->to_up, body, x->req.length, body == HTTP_BY_CHUNKS);
	set_identity(c);
	if (!is_supported(c) || !find_version(c))
		return;
	if (c->caller &&
	    !dispatch_may_call(c->caller, x->version->function->name)) {
		gw_fail_with(c, 403, false,
			     "the egress rules of %s do not name %s",
			     c->caller->function->name,
			     x->version->function->name);
		return;
	}
	if (!c->caller && !c->trusted && !may_call(c)) {
		gw_fail_with(c, 401, false,
			     "the function %s needs a token that allows it",
			     x->version->function->name);
		return;
	}
	if (!is_body_ok(c))
		return;
	x->upgrade = wants_upgrade(x);
	submit(c);
}

/* ---- the way there ------------------------------------------------------- */

static void connect_failed(struct client *c, int r)
{
	struct exchange *x = c->x;
	unsigned max = r == -EAGAIN ? CONNECTS_FULL : CONNECTS_GONE;
	const struct answer full = {
		.status = 503,
		.retry_after_s = 1,
		.why = "the instance has too many connections waiting",
	};

	if (x->ended) {
		gw_fail_with(c, 502, true, "the instance ended: %s",
			     x->ended_why);
	} else if (++x->connects < max) {
		x->state = X_CONNECT;
		x->connect_ns = loop_now_ns(c->g->loop) + CONNECT_PAUSE_NS;
	} else if (r == -EAGAIN) {
		gw_fail(c, &full);
	} else {
		gw_fail_with(c, 502, true, "the instance cannot be reached: %s",
			     strerror(-r));
	}
}

void exchange_connect(struct client *c)
{
	struct exchange *x = c->x;
	int r = exchange_is_stdio(x) ? upstream_open_stdio(c) :
				       upstream_open(c, x->retried);

	if (r < 0) {
		connect_failed(c, r);
		return;
	}
	x->up_failed = x->up_eof = x->up_wrote = false;
	x->settle_ns = 0;
	x->state = X_RELAY;
	x->progress_ns = x->sent_ns = loop_now_ns(c->g->loop);
	relay_begin(c);
	c->again = true;
}

/* Whether to do it twice is the same as to do it once (RFC 9110, 9.2.2). */
static bool is_idempotent(const struct http_head *h)
{
	return h->method == HTTP_GET || h->method == HTTP_HEAD ||
	       h->method == HTTP_OPTIONS || h->method == HTTP_PUT ||
	       h->method == HTTP_DELETE || h->method == HTTP_TRACE;
}

bool exchange_retry(struct client *c)
{
	struct exchange *x = c->x;

	if (!x->up->kept || x->retried || x->from_up.len || x->body_begun ||
	    x->ended || (x->up_wrote && !is_idempotent(&x->req)))
		return false;
	upstream_close(take_ptr(x->up));
	flow_drop(&x->to_up);
	x->retried = true;
	exchange_connect(c);
	return true;
}

/* ---- the end ------------------------------------------------------------- */

/* Whether the connection can have another request. */
static bool is_keepable(const struct exchange *x)
{
	return x->up && x->up->is_socket && !x->up->hup && x->answered &&
	       x->res.status >= 200 && !x->tunnel && x->to_client.ended &&
	       x->to_client.from != HTTP_BY_CLOSE && x->to_up.ended &&
	       flow_is_empty(&x->to_up) && !x->up_failed && !x->up_eof &&
	       !x->up_extra && !x->ended && http_is_persistent(&x->res) &&
	       x->version->spec.isolation == ISOLATION_REUSE;
}

void exchange_release(struct client *c, bool broken)
{
	struct exchange *x = c->x;
	struct dispatch_outcome o = {
		.status = x->status,
		.bytes_in = x->to_up.bytes,
		.bytes_out = x->to_client.bytes,
		.broken = broken,
		.given_up = !x->answered || !x->to_client.ended,
	};

	if (x->submitted)
		dispatch_cancel(c->g->cfg.dispatch, &x->rq);
	x->submitted = false;
	if (x->assigned && !broken && is_keepable(x))
		o.keep = upstream_keep(take_ptr(x->up));
	upstream_close(take_ptr(x->up));
	if (x->assigned) {
		x->assigned = false;
		dispatch_done(c->g->cfg.dispatch, &x->rq, &o);
	}
}

static void count(struct metrics *m, const struct exchange *x, double seconds)
{
	const char *f = x->version ? x->version->function->name : "";

	metrics_add(m, METRIC_REQUESTS, LABELS(f, metrics_class(x->status)), 1);
	metrics_observe(m, METRIC_REQUEST_SECONDS, LABELS(f), seconds);
	metrics_add(m, METRIC_REQUEST_BYTES, LABELS(f), (double)x->to_up.bytes);
	metrics_add(m, METRIC_RESPONSE_BYTES, LABELS(f),
		    (double)x->to_client.bytes);
}

/* As a string, in place: what follows it is of no use any more. */
static const char *string_of(struct exchange *x, struct http_span s)
{
	if (!x->req.len || !s.len)
		return NULL;
	x->in.buf[s.off + s.len] = 0;
	return x->in.buf + s.off;
}

static void log_access(struct client *c, uint64_t now)
{
	struct exchange *x = c->x;
	struct access_entry e = { .time_ms = x->arrived_us / 1000,
				  .request = x->id,
				  .client = c->addr,
				  .status = x->status,
				  .bytes_in = x->to_up.bytes,
				  .bytes_out = x->to_client.bytes };

	e.method = string_of(x, x->req.method_text);
	e.path = string_of(x, x->req.target);
	e.host = string_of(x, x->req.host);
	e.duration_us = (now - x->arrived_ns) / 1000;
	if (x->assigned_ns)
		e.queue_us = (x->assigned_ns - x->arrived_ns) / 1000;
	if (x->version) {
		e.function = x->version->function->name;
		e.version = x->version->number;
	}
	if (x->instance[0])
		e.instance = x->instance;
	e.start = x->start;
	if (x->error[0])
		e.error = x->error;
	access_log(c->g->cfg.logs, &e);
}

void exchange_report(struct client *c)
{
	struct exchange *x = c->x;
	uint64_t now;

	if (!x->begun || x->reported)
		return;
	x->reported = true;
	now = loop_clock_ns(c->g->loop);
	if (x->id[0])
		c->g->in_flight--;
	if (c->g->cfg.metrics)
		count(c->g->cfg.metrics, x,
		      (double)(now - x->arrived_ns) / 1e9);
	if (c->g->cfg.logs)
		log_access(c, now);
	version_unref(take_ptr(x->version));
}
