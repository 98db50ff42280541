/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of the gateway itself. They say what is wrong in one sentence, as
 * JSON if the client would have it, else as text. A client that has part of
 * a function's answer gets no second one: its connection is cut, so that it
 * cannot take the part for the whole.
 */
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include "daemon/gateway/gw.h"

static const struct {
	uint16_t status;
	const char *text;
} texts[] = {
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 408, "Request Timeout" },
	{ 411, "Length Required" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 417, "Expectation Failed" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
};

const char *gw_status_text(unsigned status)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "Error";
}

static bool wants_json(const struct exchange *x)
{
	const struct http_field *f = NULL;
	struct http_list l;
	const char *s;
	size_t len;

	if (x->begun)
		f = http_find(&x->req, HTTP_ACCEPT);
	if (!f)
		return false;
	l = http_list(x->in.buf, f->value);
	while (http_list_next(&l, &s, &len)) {
		if (len >= 16 && http_text_is(s, 16, "application/json"))
			return true;
	}
	return false;
}

/* The reasons are ours, but they may quote what a function said. */
static void put_json_string(struct text *t, const char *s)
{
	text_add(t, "\"", 1);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			text_add(t, "\\", 1);
		text_add(t, (unsigned char)*s < 0x20 ? "?" : s, 1);
	}
	text_add(t, "\"", 1);
}

static void put_body(struct text *t, const struct exchange *x,
		     const struct answer *a, bool json)
{
	if (json) {
		text_str(t, "{\"status\":");
		text_uint(t, a->status);
		text_str(t, ",\"error\":");
		put_json_string(t, a->why);
		if (x->id[0]) {
			text_str(t, ",\"request\":");
			put_json_string(t, x->id);
		}
		text_str(t, "}\n");
		return;
	}
	text_uint(t, a->status);
	text_str(t, " ");
	text_str(t, gw_status_text(a->status));
	text_str(t, ": ");
	text_str(t, a->why);
	text_str(t, "\n");
}

static void put_head(struct text *t, struct client *c, const struct answer *a,
		     bool json, size_t body_len)
{
	struct exchange *x = c->x;

	text_str(t, "HTTP/1.1 ");
	text_uint(t, a->status);
	text_str(t, " ");
	text_str(t, gw_status_text(a->status));
	text_str(t, "\r\n");
	text_field(t, "Date", gw_date(c->g));
	text_field(t, "Content-Type",
		   json ? "application/json" : "text/plain; charset=utf-8");
	text_str(t, "Content-Length: ");
	text_uint(t, body_len);
	text_str(t, "\r\n");
	text_field(t, "Cache-Control", "no-store");
	if (x->id[0])
		text_field(t, "X-Request-Id", x->id);
	if (x->instance[0])
		text_field(t, "X-Mayfly-Instance", x->instance);
	if (a->status == 401)
		text_field(t, "WWW-Authenticate", "Bearer realm=\"mayfly\"");
	if (a->retry_after_s) {
		text_str(t, "Retry-After: ");
		text_uint(t, a->retry_after_s);
		text_str(t, "\r\n");
	}
	if (x->last)
		text_field(t, "Connection", "close");
	else if (x->req.minor == 0)
		text_field(t, "Connection", "keep-alive");
	text_str(t, "\r\n");
}

static bool put_answer(struct client *c, const struct answer *a)
{
	struct exchange *x = c->x;
	char space[1024];
	struct text body = { space, 0, sizeof(space), false }, t;
	bool json = wants_json(x);

	put_body(&body, x, a, json);
	relay_text_begin(&x->to_client, &t);
	put_head(&t, c, a, json, body.len);
	if (x->begun && x->req.method == HTTP_HEAD)
		body.len = 0;
	text_add(&t, body.buf, body.len);
	if (!relay_text_end(&x->to_client, &t))
		return false;
	x->to_client.bytes = body.len;
	return true;
}

static void note_error(struct exchange *x, const char *why)
{
	if (!x->error[0])
		snprintf(x->error, sizeof(x->error), "%s", why);
}

void gw_fail(struct client *c, const struct answer *a)
{
	struct exchange *x = c->x;
	bool whole;

	if (x->answered) {
		gw_abort(c, a->broken, a->why);
		return;
	}
	note_error(x, a->why);
	x->status = a->status;
	/* What is not read of the request would be taken for the next. */
	if (!x->to_up.ended || x->in.pos < x->req.len || c->g->draining)
		x->last = true;
	whole = put_answer(c, a);
	exchange_release(c, a->broken);
	flow_drop(&x->to_up);
	if (!whole) {
		client_close(c);
		return;
	}
	x->begun = true;
	if (!x->arrived_ns)
		x->arrived_ns = loop_now_ns(c->g->loop);
	x->answered = true;
	x->state = X_ANSWER;
	x->progress_ns = loop_now_ns(c->g->loop);
	gw_wake(c);
}

void gw_fail_with(struct client *c, uint16_t status, bool broken,
		  const char *fmt, ...)
{
	struct answer a = { .status = status, .broken = broken };
	char why[GW_WHY_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	a.why = why;
	gw_fail(c, &a);
}

void gw_abort(struct client *c, bool broken, const char *why)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	note_error(c->x, why);
	exchange_release(c, broken);
	if (c->resets)
		setsockopt(c->tr.fd, SOL_SOCKET, SO_LINGER, &reset,
			   sizeof(reset));
	client_close(c);
}
