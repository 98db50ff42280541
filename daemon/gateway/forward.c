/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads written from what was read. Order: the start line, what is ours,
 * the sender's fields in their order, the framing.
 */
#include "daemon/gateway/forward.h"

#include <string.h>

#include "http/chars.h"

#define VIA "1.1 mayfly"

/* ---- identities ---------------------------------------------------------- */

void forward_hex(char *out, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = 0;
}

bool forward_is_sane_id(const char *s, size_t len)
{
	if (len == 0 || len > REQUEST_ID_LEN)
		return false;
	return http_all(s, len, HTTP_C_HOST);
}

static bool is_trace_hex(const char *s, size_t len)
{
	bool zero = true;

	for (size_t i = 0; i < len; i++) {
		if (!http_char_is(s[i], HTTP_C_DIGIT) &&
		    (s[i] < 'a' || s[i] > 'f'))
			return false;
		zero = zero && s[i] == '0';
	}
	return !zero;
}

/* VERSION-TRACE-PARENT-FLAGS of W3C's Trace Context; later versions may go
 * on behind the flags. */
static bool is_traceparent(const char *s, size_t len)
{
	if (len < TRACEPARENT_LEN || s[2] != '-' || s[35] != '-' ||
	    s[52] != '-' || memcmp(s, "ff", 2) == 0)
		return false;
	if (len > TRACEPARENT_LEN &&
	    (memcmp(s, "00", 2) == 0 || s[TRACEPARENT_LEN] != '-'))
		return false;
	return http_all(s, 2, HTTP_C_HEX) && is_trace_hex(s + 3, 32) &&
	       is_trace_hex(s + 36, 16) && http_all(s + 53, 2, HTTP_C_HEX);
}

bool forward_traceparent(char out[TRACEPARENT_LEN + 1], const char *s,
			 size_t len, const uint8_t *random)
{
	bool good = s && is_traceparent(s, len);

	memcpy(out, "00-", 3);
	if (good)
		memcpy(out + 3, s + 3, 32);
	else
		forward_hex(out + 3, random, 16);
	out[35] = '-';
	forward_hex(out + 36, random + 16, 8);
	out[52] = '-';
	memcpy(out + 53, good ? s + 53 : "01", 2);
	out[TRACEPARENT_LEN] = 0;
	return good;
}

/* ---- requests ------------------------------------------------------------ */

/* The number of a name in which _ may stand for -. */
static enum http_name find_name(const char *s, size_t len)
{
	char name[32];

	if (len > sizeof(name) || !memchr(s, '_', len))
		return HTTP_OTHER_NAME;
	for (size_t i = 0; i < len; i++)
		name[i] = s[i] == '_' ? '-' : s[i];
	return http_name_find(name, len);
}

bool forward_is_ours(const char *buf, const struct http_field *f)
{
	if (!f->id)
		return find_name(buf + f->name.off, f->name.len) !=
		       HTTP_OTHER_NAME;
	switch (f->id) {
	case HTTP_FORWARDED:
	case HTTP_HOST:
	case HTTP_TRACEPARENT:
	case HTTP_VIA:
	case HTTP_X_FORWARDED_FOR:
	case HTTP_X_FORWARDED_HOST:
	case HTTP_X_FORWARDED_PORT:
	case HTTP_X_FORWARDED_PREFIX:
	case HTTP_X_FORWARDED_PROTO:
	case HTTP_X_MAYFLY_INSTANCE:
	case HTTP_X_REAL_IP:
	case HTTP_X_REQUEST_ID:
	case HTTP_X_REQUEST_START:
		return true;
	default:
		return false;
	}
}

static void put_target(struct text *t, const struct http_head *h,
		       const char *buf, uint32_t prefix_len)
{
	struct http_span rest = { h->path.off + prefix_len,
				  h->path.len - prefix_len };

	if (rest.len == 0 || buf[rest.off] != '/')
		text_add(t, "/", 1);
	text_span(t, buf, rest);
	if (h->query.off) {
		text_add(t, "?", 1);
		text_span(t, buf, h->query);
	}
}

/* All values of a field so far, if they are trusted, each with a comma. */
static void put_former(struct text *t, const struct http_head *h,
		       const char *buf, enum http_name id)
{
	for (uint32_t i = 0; i < h->field_count; i++) {
		if (h->fields[i].id != id || !h->fields[i].value.len)
			continue;
		text_span(t, buf, h->fields[i].value);
		text_add(t, ", ", 2);
	}
}

/* The former value of a field or else `value`. */
static void put_or(struct text *t, const struct http_field *former,
		   const char *buf, const char *value, size_t len)
{
	if (former && former->value.len)
		text_span(t, buf, former->value);
	else
		text_add(t, value, len);
	text_add(t, "\r\n", 2);
}

static const struct http_field *trusted(const struct http_head *h,
					const struct forward_request *f,
					enum http_name id)
{
	return f->trusted ? http_find(h, id) : NULL;
}

static void put_forwarded(struct text *t, const struct http_head *h,
			  const char *buf, const struct forward_request *f)
{
	const char *proto = f->tls ? "https" : "http";
	bool v6 = strchr(f->client, ':');

	text_str(t, "X-Forwarded-For: ");
	if (f->trusted)
		put_former(t, h, buf, HTTP_X_FORWARDED_FOR);
	text_str(t, f->client);
	text_str(t, "\r\nX-Forwarded-Proto: ");
	put_or(t, trusted(h, f, HTTP_X_FORWARDED_PROTO), buf, proto,
	       strlen(proto));
	if (h->host.len) {
		text_str(t, "X-Forwarded-Host: ");
		put_or(t, trusted(h, f, HTTP_X_FORWARDED_HOST), buf,
		       buf + h->host.off, h->host.len);
	}
	text_str(t, "Forwarded: ");
	if (f->trusted)
		put_former(t, h, buf, HTTP_FORWARDED);
	text_str(t, v6 ? "for=\"[" : "for=");
	text_str(t, f->client);
	text_str(t, v6 ? "]\"" : "");
	if (h->host.len) {
		text_str(t, ";host=\"");
		text_span(t, buf, h->host);
		text_add(t, "\"", 1);
	}
	text_str(t, f->tls ? ";proto=https\r\n" : ";proto=http\r\n");
}

static void put_ours(struct text *t, const struct http_head *h, const char *buf,
		     const struct forward_request *f)
{
	text_str(t, "Host: ");
	if (h->host.len)
		text_span(t, buf, h->host);
	else
		text_str(t, "localhost");
	text_str(t, "\r\n");
	put_forwarded(t, h, buf, f);
	if (f->prefix_len) {
		text_str(t, "X-Forwarded-Prefix: ");
		text_add(t, buf + h->path.off, f->prefix_len);
		text_str(t, "\r\n");
	}
	text_field(t, "X-Request-Id", f->id);
	text_field(t, "X-Mayfly-Instance", f->instance);
	text_field(t, "traceparent", f->traceparent);
	text_str(t, "X-Request-Start: t=");
	text_uint(t, f->start_us);
	text_str(t, "\r\nVia: ");
	put_former(t, h, buf, HTTP_VIA);
	text_str(t, VIA "\r\n");
}

static void put_field(struct text *t, const char *buf,
		      const struct http_field *f)
{
	text_span(t, buf, f->name);
	text_add(t, ": ", 2);
	text_span(t, buf, f->value);
	text_add(t, "\r\n", 2);
}

static void put_connection(struct text *t, const struct http_head *h,
			   const char *buf, const struct forward_request *f)
{
	const struct http_field *u = http_find(h, HTTP_UPGRADE);

	if (f->upgrade && u) {
		text_str(t, "Connection: Upgrade\r\nUpgrade: ");
		text_span(t, buf, u->value);
		text_str(t, "\r\n");
	} else if (f->last) {
		text_str(t, "Connection: close\r\n");
	}
}

void forward_request(struct text *t, const struct http_head *h, const char *buf,
		     const struct forward_request *f)
{
	text_span(t, buf, h->method_text);
	text_add(t, " ", 1);
	put_target(t, h, buf, f->prefix_len);
	text_str(t, " HTTP/1.1\r\n");
	put_ours(t, h, buf, f);
	for (uint32_t i = 0; i < h->field_count; i++) {
		const struct http_field *x = &h->fields[i];

		if (http_is_hop_by_hop(h, buf, x) || forward_is_ours(buf, x) ||
		    (x->id == HTTP_AUTHORIZATION && f->hide_token) ||
		    (x->id == HTTP_TRACESTATE && !f->traced))
			continue;
		put_field(t, buf, x);
	}
	put_connection(t, h, buf, f);
	if (f->body == HTTP_BY_LENGTH) {
		text_str(t, "Content-Length: ");
		text_uint(t, h->length);
		text_str(t, "\r\n");
	} else if (f->body == HTTP_BY_CHUNKS) {
		text_str(t, "Transfer-Encoding: chunked\r\n");
	}
	text_str(t, "\r\n");
}

/* ---- responses ----------------------------------------------------------- */

static void put_status(struct text *t, const struct http_head *h,
		       const char *buf)
{
	text_str(t, "HTTP/1.1 ");
	text_uint(t, h->status);
	text_add(t, " ", 1);
	text_span(t, buf, h->reason);
	text_str(t, "\r\n");
}

static void put_end(struct text *t, const struct http_head *h, const char *buf,
		    const struct forward_response *f)
{
	const struct http_field *u = http_find(h, HTTP_UPGRADE);

	if (f->upgraded && u) {
		text_str(t, "Connection: Upgrade\r\nUpgrade: ");
		text_span(t, buf, u->value);
		text_str(t, "\r\n");
	} else if (f->close) {
		text_str(t, "Connection: close\r\n");
	} else if (f->client_minor == 0) {
		text_str(t, "Connection: keep-alive\r\n");
	}
	if (f->has_length) {
		text_str(t, "Content-Length: ");
		text_uint(t, h->length);
		text_str(t, "\r\n");
	} else if (f->chunked) {
		text_str(t, "Transfer-Encoding: chunked\r\n");
	}
	text_str(t, "\r\n");
}

void forward_response(struct text *t, const struct http_head *h,
		      const char *buf, const struct forward_response *f)
{
	put_status(t, h, buf);
	for (uint32_t i = 0; i < h->field_count; i++) {
		const struct http_field *x = &h->fields[i];

		if (http_is_hop_by_hop(h, buf, x) || x->id == HTTP_VIA ||
		    x->id == HTTP_X_REQUEST_ID ||
		    x->id == HTTP_X_MAYFLY_INSTANCE)
			continue;
		put_field(t, buf, x);
	}
	if (!http_find(h, HTTP_DATE))
		text_field(t, "Date", f->date);
	text_field(t, "X-Request-Id", f->id);
	text_field(t, "X-Mayfly-Instance", f->instance);
	text_str(t, "Via: ");
	put_former(t, h, buf, HTTP_VIA);
	text_str(t, VIA "\r\n");
	put_end(t, h, buf, f);
}
