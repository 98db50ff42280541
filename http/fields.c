/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of a head: their syntax, what those about framing and connection
 * say, and whether they agree. Whatever two readers could take for different
 * lengths of the body is refused, also where RFC 9112 would let a server
 * choose: a body's length is given once, in one way, in plain digits.
 */
#include "http/fields.h"

#include <string.h>

#include "http/chars.h"

static bool seen(const struct http_head *h, enum http_name id)
{
	return h->seen >> id & 1;
}

_Static_assert(HTTP_NAME_COUNT <= 64, "http_head.seen has 64 bits");

/* ---- single fields ------------------------------------------------------- */

static enum http_state add_host(struct http_head *h, const char *buf,
				struct http_span v)
{
	const char *s = buf + v.off, *t = buf + h->host.off;

	if (h->response)
		return HTTP_MORE;
	if (seen(h, HTTP_HOST))
		return http_head_bad(h, 400, "there are two Host fields");
	if (!http_is_authority(s, v.len))
		return http_head_bad(h, 400, "the Host field is malformed");
	/* In absolute form the target has told, and must agree. */
	if (h->form == HTTP_ABSOLUTE_FORM || h->form == HTTP_AUTHORITY_FORM) {
		if (v.len != h->host.len || memcmp(s, t, v.len) != 0)
			return http_head_bad(
				h, 400, "the Host field and the target differ");
	}
	h->host = v;
	return HTTP_MORE;
}

static enum http_state add_length(struct http_head *h, const char *buf,
				  struct http_span v)
{
	const char *s = buf + v.off;
	uint64_t n = 0;

	if (seen(h, HTTP_CONTENT_LENGTH))
		return http_head_bad(h, 400,
				     "there are two Content-Length fields");
	if (v.len == 0 || v.len > 19 || !http_all(s, v.len, HTTP_C_DIGIT))
		return http_head_bad(h, 400,
				     "the Content-Length is not a number");
	for (uint32_t i = 0; i < v.len; i++)
		n = n * 10 + (uint64_t)(s[i] - '0');
	if (n > INT64_MAX)
		return http_head_bad(h, 400, "the Content-Length is too large");
	h->has_length = true;
	h->length = n;
	return HTTP_MORE;
}

static enum http_state add_encoding(struct http_head *h, const char *buf,
				    struct http_span v)
{
	const char *s = buf + v.off;

	if (seen(h, HTTP_TRANSFER_ENCODING))
		return http_head_bad(h, 400,
				     "there are two Transfer-Encoding fields");
	if (http_text_is(s, v.len, "chunked")) {
		h->chunked = true;
		return HTTP_MORE;
	}
	if (v.len > 0 && http_all(s, v.len, HTTP_C_TOKEN) &&
	    !http_text_is(s, v.len, "identity"))
		return http_head_bad(
			h, 501, "the only Transfer-Encoding known is chunked");
	return http_head_bad(h, 400, "the Transfer-Encoding is not chunked");
}

static enum http_state add_option(struct http_head *h, const char *s,
				  size_t len)
{
	if (!http_all(s, len, HTTP_C_TOKEN))
		return http_head_bad(h, 400,
				     "the Connection field is malformed");
	if (http_text_is(s, len, "close"))
		h->close = true;
	else if (http_text_is(s, len, "keep-alive"))
		h->keep_alive = true;
	else if (http_text_is(s, len, "upgrade"))
		h->upgrade_option = true;
	else if (http_text_is(s, len, "host") ||
		 http_text_is(s, len, "content-length") ||
		 http_text_is(s, len, "transfer-encoding"))
		return http_head_bad(
			h, 400,
			"the Connection field names a field of the message");
	else
		h->nominates = true;
	return HTTP_MORE;
}

static enum http_state add_connection(struct http_head *h, const char *buf,
				      struct http_span v)
{
	struct http_list l = http_list(buf, v);
	const char *s;
	size_t len;

	while (http_list_next(&l, &s, &len))
		if (add_option(h, s, len) == HTTP_BAD)
			return HTTP_BAD;
	return HTTP_MORE;
}

static enum http_state add_expect(struct http_head *h, const char *buf,
				  struct http_span v)
{
	if (h->response)
		return HTTP_MORE;
	if (!http_text_is(buf + v.off, v.len, "100-continue"))
		return http_head_bad(
			h, 417, "the only expectation known is 100-continue");
	h->expect_continue = h->minor >= 1;
	return HTTP_MORE;
}

static enum http_state note(struct http_head *h, const char *buf,
			    const struct http_field *f)
{
	switch (f->id) {
	case HTTP_HOST:
		return add_host(h, buf, f->value);
	case HTTP_CONTENT_LENGTH:
		return add_length(h, buf, f->value);
	case HTTP_TRANSFER_ENCODING:
		return add_encoding(h, buf, f->value);
	case HTTP_CONNECTION:
		return add_connection(h, buf, f->value);
	case HTTP_EXPECT:
		return add_expect(h, buf, f->value);
	default:
		return HTTP_MORE;
	}
}

/* ---- lines --------------------------------------------------------------- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

enum http_state http_fields_add(struct http_head *h, const char *buf,
				uint32_t off, uint32_t len)
{
	uint32_t end = off + len, n;
	struct http_field *f;

	if (h->field_count >= h->limits.fields)
		return http_head_bad(h, 431, "there are too many fields");
	if (is_space(buf[off]))
		return http_head_bad(h, 400,
				     "a field goes on in a second line");
	n = (uint32_t)http_span_of(buf + off, len, HTTP_C_TOKEN);
	if (n == 0 || n == len || buf[off + n] != ':')
		return http_head_bad(h, 400,
				     "the name of a field is malformed");
	f = &h->fields[h->field_count++];
	f->name = (struct http_span){ off, n };
	for (off += n + 1; off < end && is_space(buf[off]); off++)
		;
	while (end > off && is_space(buf[end - 1]))
		end--;
	f->value = (struct http_span){ off, end - off };
	f->id = (uint8_t)http_name_find(buf + f->name.off, n);
	if (!http_all(buf + off, end - off, HTTP_C_VALUE))
		return http_head_bad(h, 400,
				     "the value of a field has a control byte");
	if (note(h, buf, f) == HTTP_BAD)
		return HTTP_BAD;
	if (f->id)
		h->seen |= 1ull << f->id;
	return HTTP_MORE;
}

/* ---- all of them --------------------------------------------------------- */

static enum http_state finish_request(struct http_head *h)
{
	if (h->minor >= 1 && !seen(h, HTTP_HOST))
		return http_head_bad(h, 400, "there is no Host field");
	if (h->method == HTTP_CONNECT && (h->has_length || h->chunked))
		return http_head_bad(h, 400, "a CONNECT request has a body");
	return HTTP_DONE;
}

static enum http_state finish_response(struct http_head *h)
{
	bool bare = h->status < 200 || h->status == 204;

	if (bare && (h->chunked || (h->has_length && h->length > 0)))
		return http_head_bad(
			h, 502, "a response that cannot have a body has one");
	if (h->status == 101 && !h->upgrade)
		return http_head_bad(h, 502,
				     "a response 101 does not say to what");
	return HTTP_DONE;
}

enum http_state http_fields_finish(struct http_head *h, const char *buf)
{
	(void)buf;
	if (h->chunked && h->has_length)
		return http_head_bad(
			h, 400,
			"there are Content-Length and Transfer-Encoding");
	if (h->chunked && h->minor == 0)
		return http_head_bad(h, 400,
				     "HTTP/1.0 has no Transfer-Encoding");
	h->upgrade = h->upgrade_option && seen(h, HTTP_UPGRADE) &&
		     h->minor >= 1;
	return h->response ? finish_response(h) : finish_request(h);
}

/* ---- what it means ------------------------------------------------------- */

enum http_framing http_framing(const struct http_head *h,
			       enum http_method asked)
{
	if (h->response) {
		if (h->status == 101 ||
		    (asked == HTTP_CONNECT && h->status / 100 == 2))
			return HTTP_TUNNEL;
		if (asked == HTTP_HEAD || h->status < 200 || h->status == 204 ||
		    h->status == 304)
			return HTTP_NO_BODY;
	}
	if (h->chunked)
		return HTTP_BY_CHUNKS;
	if (h->has_length)
		return HTTP_BY_LENGTH;
	return h->response ? HTTP_BY_CLOSE : HTTP_NO_BODY;
}

bool http_is_persistent(const struct http_head *h)
{
	return !h->close && (h->minor >= 1 || h->keep_alive);
}
