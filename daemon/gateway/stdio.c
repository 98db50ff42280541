/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that are no servers: the request's head as CGI/1.1 variables
 * (RFC 3875), its body on standard input, the answer on standard output.
 *
 * The answer is held back until the program has ended, because only its exit
 * status says whether it is one: 0 makes it a 200, all else a 502. What is
 * more than a buffer can hold is passed on as it comes; a bad end cuts it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/gateway/gw.h"
#include "host/cleanup.h"

#define CONTENT_TYPE "text/plain; charset=utf-8"

/* ---- variables ----------------------------------------------------------- */

static int add(struct strlist *env, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int add(struct strlist *env, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vasprintf(&text, fmt, ap);
	va_end(ap);
	return r < 0 ? -ENOMEM : strlist_take(env, text);
}

static int add_span(struct strlist *env, const char *name, const char *buf,
		    struct http_span s)
{
	return add(env, "%s=%.*s", name, (int)s.len, buf + s.off);
}

/* NAME in the form of HTTP_NAME; false if it cannot be one. */
static bool variable_name(char *out, size_t size, const char *s, size_t len)
{
	size_t at = 5;

	if (len + 6 > size)
		return false;
	memcpy(out, "HTTP_", 5);
	for (size_t i = 0; i < len; i++, at++) {
		if (s[i] >= 'a' && s[i] <= 'z')
			out[at] = (char)(s[i] - 'a' + 'A');
		else if ((s[i] >= 'A' && s[i] <= 'Z') ||
			 (s[i] >= '0' && s[i] <= '9'))
			out[at] = s[i];
		else if (s[i] == '-')
			out[at] = '_';
		else
			return false;
	}
	out[at] = 0;
	return true;
}

/* Proxy is among the hop by hop: HTTP_PROXY means something else. */
static bool is_passed(const struct exchange *x, const struct http_field *f)
{
	if (http_is_hop_by_hop(&x->req, x->in.buf, f) ||
	    f->id == HTTP_CONTENT_TYPE ||
	    (f->id == HTTP_AUTHORIZATION && x->wants_token &&
	     !x->client->caller))
		return false;
	return f->id == HTTP_HOST || !forward_is_ours(x->in.buf, f);
}

/* A field that is there twice becomes one variable, of the first: there is
 * no rule that holds for all of them. Cookies have one. */
static int add_field(struct exchange *x, const struct http_field *f)
{
	const struct http_field *g = x->req.fields;
	const char *buf = x->in.buf;
	char name[128];

	if (!is_passed(x, f) ||
	    !variable_name(name, sizeof(name), buf + f->name.off, f->name.len))
		return 0;
	for (; g < f; g++)
		if (g->name.len == f->name.len &&
		    !strncasecmp(buf + g->name.off, buf + f->name.off,
				 f->name.len))
			return 0;
	return add_span(&x->env, name, buf, f->value);
}

static int add_address(struct client *c)
{
	struct exchange *x = c->x;
	const char *host = x->in.buf + x->req.host.off, *colon;
	uint32_t len = x->req.host.len, name_len = len;
	const char *port = c->tls ? "443" : "80";
	int r;

	colon = len ? memrchr(host, ':', len) : NULL;
	if (colon && !memchr(colon, ']', (size_t)(host + len - colon)))
		name_len = (uint32_t)(colon - host);
	if (name_len < len)
		r = add(&x->env, "SERVER_PORT=%.*s", (int)(len - name_len - 1),
			colon + 1);
	else
		r = add(&x->env, "SERVER_PORT=%s", port);
	r |= add(&x->env, "SERVER_NAME=%.*s", len ? (int)name_len : 9,
		 len ? host : "localhost");
	r |= add(&x->env, "REMOTE_ADDR=%s", c->addr);
	r |= add(&x->env, "HTTP_X_FORWARDED_FOR=%s", c->addr);
	r |= add(&x->env, "HTTP_X_FORWARDED_PROTO=%s",
		 c->tls ? "https" : "http");
	if (c->tls)
		r |= add(&x->env, "HTTPS=on");
	return r ? -ENOMEM : 0;
}

static int hex(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* PATH_INFO is decoded (RFC 3875, 4.1.5), but for a NUL. */
static int add_path(struct exchange *x)
{
	const char *s = x->in.buf + x->req.path.off + x->route.prefix_len;
	size_t len = x->req.path.len - x->route.prefix_len, n = 0;
	AUTO_FREE char *path = malloc(len + 2);
	int r;

	if (!path)
		return -ENOMEM;
	if (len == 0 || *s != '/')
		path[n++] = '/';
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '%' && (s[i + 1] != '0' || s[i + 2] != '0')) {
			path[n++] = (char)(hex(s[i + 1]) << 4 | hex(s[i + 2]));
			i += 2;
		} else {
			path[n++] = s[i];
		}
	}
	path[n] = 0;
	r = add(&x->env, "PATH_INFO=%s", path);
	r |= add(&x->env, "SCRIPT_NAME=%.*s", (int)x->route.prefix_len,
		 x->in.buf + x->req.path.off);
	return r ? -ENOMEM : 0;
}

static int add_request(struct exchange *x)
{
	const struct http_field *type = http_find(&x->req, HTTP_CONTENT_TYPE);
	const char *buf = x->in.buf;
	int r;

	r = add(&x->env, "GATEWAY_INTERFACE=CGI/1.1");
	r |= add(&x->env, "SERVER_SOFTWARE=mayfly/%s", MF_VERSION);
	r |= add(&x->env, "SERVER_PROTOCOL=HTTP/1.%u", x->req.minor);
	r |= add_span(&x->env, "REQUEST_METHOD", buf, x->req.method_text);
	r |= add_span(&x->env, "REQUEST_URI", buf, x->req.target);
	r |= add_span(&x->env, "QUERY_STRING", buf, x->req.query);
	if (type)
		r |= add_span(&x->env, "CONTENT_TYPE", buf, type->value);
	if (x->req.has_length)
		r |= add(&x->env, "CONTENT_LENGTH=%llu",
			 (unsigned long long)x->req.length);
	r |= add(&x->env, "HTTP_X_REQUEST_ID=%s", x->id);
	r |= add(&x->env, "HTTP_TRACEPARENT=%s", x->traceparent);
	return r ? -ENOMEM : 0;
}

int stdio_variables(struct client *c)
{
	struct exchange *x = c->x;
	int r = add_request(x);

	r |= add_path(x);
	r |= add_address(c);
	for (uint32_t i = 0; r == 0 && i < x->req.field_count; i++)
		r = add_field(x, &x->req.fields[i]);
	return r ? -ENOMEM : 0;
}

/* ---- the answer ---------------------------------------------------------- */

/* Its head; `len` bytes of body, or UINT64_MAX: not known. */
static bool put_head(struct client *c, uint64_t len)
{
	struct exchange *x = c->x;
	const char *type = x->version->spec.content_type;
	struct text t;

	relay_text_begin(&x->to_client, &t);
	text_str(&t, "HTTP/1.1 200 OK\r\n");
	text_field(&t, "Content-Type", type ? type : CONTENT_TYPE);
	text_field(&t, "Date", gw_date(c->g));
	text_field(&t, "X-Request-Id", x->id);
	text_field(&t, "X-Mayfly-Instance", x->instance);
	text_field(&t, "Via", "1.1 mayfly");
	if (x->last)
		text_field(&t, "Connection", "close");
	else if (x->req.minor == 0)
		text_field(&t, "Connection", "keep-alive");
	if (len != UINT64_MAX) {
		text_str(&t, "Content-Length: ");
		text_uint(&t, len);
		text_str(&t, "\r\n");
	} else if (x->req.minor >= 1) {
		text_field(&t, "Transfer-Encoding", "chunked");
	}
	text_str(&t, "\r\n");
	return relay_text_end(&x->to_client, &t);
}

static void start_answer(struct client *c, bool whole)
{
	struct exchange *x = c->x;
	bool is_head = x->req.method == HTTP_HEAD;
	bool chunks = !whole && !is_head && x->req.minor >= 1;

	if (!whole && x->req.minor == 0)
		x->last = c->resets = true;
	if (x->up_failed && !x->to_up.ended)
		x->last = true;
	if (!put_head(c, whole ? x->from_up.len : UINT64_MAX)) {
		gw_fail_with(c, 503, false, "memory is short");
		return;
	}
	flow_begin(&x->to_client, whole ? HTTP_BY_LENGTH : HTTP_BY_CLOSE,
		   x->from_up.len, chunks);
	x->to_client.discards = is_head;
	x->from_up.pos = 0;
	x->status = 200;
	x->answered = true;
	x->held = false;
	c->again = true;
	if (!x->to_client.ended)
		relay_receive_inlet(c);
}

bool stdio_receive(struct client *c)
{
	struct exchange *x = c->x;
	struct inlet *in = &x->from_up;
	ssize_t n;

	n = x->up_eof ? -EAGAIN : relay_fill_inlet(c);
	if (n == -EAGAIN)
		return false;
	if (n <= 0) {
		x->up_eof = true;
		return false;
	}
	x->progress_ns = loop_now_ns(c->g->loop);
	if (in->len == FLOW_SIZE)
		start_answer(c, false);
	return true;
}

void stdio_end(struct client *c)
{
	struct exchange *x = c->x;

	if (!x->ended_well) {
		gw_fail_with(c, 502, false, "the function failed: %s",
			     x->ended_why);
	} else if (x->held) {
		x->status = 200;
		start_answer(c, true);
	} else {
		flow_take_end(&x->to_client);
		c->again = true;
	}
}
