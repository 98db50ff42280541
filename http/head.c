/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of a head and the first of them. A line is looked at when it is
 * complete and never again, in the order they came, so that the split of the
 * bytes cannot matter: what is found wrong first is in the first wrong line,
 * and a limit is passed by the same line whether its end has come or not.
 * http/fields.c has the other lines and what they mean together.
 */
#include "http/head.h"

#include <string.h>

#include "http/chars.h"
#include "http/fields.h"

#define HEAD_BYTES_MAX (1u << 20)
#define METHOD_MAX     32u

static const char *const methods[] = {
	[HTTP_GET] = "GET",	    [HTTP_HEAD] = "HEAD",
	[HTTP_POST] = "POST",	    [HTTP_PUT] = "PUT",
	[HTTP_DELETE] = "DELETE",   [HTTP_PATCH] = "PATCH",
	[HTTP_OPTIONS] = "OPTIONS", [HTTP_CONNECT] = "CONNECT",
	[HTTP_TRACE] = "TRACE",
};

#define METHOD_COUNT (sizeof(methods) / sizeof(methods[0]))

enum http_state http_head_bad(struct http_head *h, uint16_t answer,
			      const char *why)
{
	h->answer = h->response ? 502 : answer;
	h->why = why;
	return HTTP_BAD;
}

static void init(struct http_head *h, const struct http_limits *limits)
{
	memset(h, 0, offsetof(struct http_head, fields));
	h->limits = *limits;
	if (h->limits.head_bytes > HEAD_BYTES_MAX)
		h->limits.head_bytes = HEAD_BYTES_MAX;
	if (h->limits.fields > HTTP_FIELDS_MAX)
		h->limits.fields = HTTP_FIELDS_MAX;
	/* Else two limits could be passed in either order. */
	if (h->limits.line_bytes + 4 > h->limits.head_bytes)
		h->limits.line_bytes = h->limits.head_bytes - 4;
}

void http_request_init(struct http_head *h, const struct http_limits *limits)
{
	init(h, limits);
}

void http_response_init(struct http_head *h, const struct http_limits *limits)
{
	init(h, limits);
	h->response = true;
}

const char *http_method_text(enum http_method method)
{
	return (unsigned)method < METHOD_COUNT && methods[method] ?
		       methods[method] :
		       "?";
}

static enum http_method method_find(const char *s, size_t len)
{
	for (unsigned i = 1; i < METHOD_COUNT; i++)
		if (strlen(methods[i]) == len && !memcmp(methods[i], s, len))
			return (enum http_method)i;
	return HTTP_OTHER_METHOD;
}

/* ---- the target ---------------------------------------------------------- */

static bool escapes_ok(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] == '%' &&
		    (len - i < 3 || !http_all(s + i + 1, 2, HTTP_C_HEX)))
			return false;
	return true;
}

/* From the path to the end of the target. */
static bool parse_path(struct http_head *h, const char *buf, uint32_t off,
		       uint32_t len)
{
	uint32_t n = (uint32_t)http_span_of(buf + off, len, HTTP_C_PATH);

	h->path = (struct http_span){ off, n };
	if (!escapes_ok(buf + off, n))
		return false;
	if (n == len)
		return true;
	if (buf[off + n] != '?')
		return false;
	h->query = (struct http_span){ off + n + 1, len - n - 1 };
	return http_all(buf + h->query.off, h->query.len, HTTP_C_QUERY);
}

static bool parse_absolute(struct http_head *h, const char *buf)
{
	const char *s = buf + h->target.off;
	uint32_t len = h->target.len, begin, n;

	if (len > 7 && http_text_is(s, 7, "http://"))
		begin = 7;
	else if (len > 8 && http_text_is(s, 8, "https://"))
		begin = 8;
	else
		return false;
	for (n = begin; n < len && s[n] != '/' && s[n] != '?'; n++)
		;
	h->form = HTTP_ABSOLUTE_FORM;
	h->host = (struct http_span){ h->target.off + begin, n - begin };
	return http_is_authority(s + begin, n - begin) &&
	       parse_path(h, buf, h->target.off + n, len - n);
}

static bool parse_target(struct http_head *h, const char *buf)
{
	const char *s = buf + h->target.off;
	uint32_t len = h->target.len;

	if (h->method == HTTP_CONNECT) {
		h->form = HTTP_AUTHORITY_FORM;
		h->host = h->target;
		return http_is_authority(s, len) && s[len - 1] != ']' &&
		       memchr(s, ':', len);
	}
	if (len == 1 && *s == '*') {
		h->form = HTTP_ASTERISK_FORM;
		return h->method == HTTP_OPTIONS;
	}
	if (*s != '/')
		return parse_absolute(h, buf);
	h->form = HTTP_ORIGIN_FORM;
	return parse_path(h, buf, h->target.off, len);
}

/* ---- the first line ------------------------------------------------------ */

static enum http_state parse_version(struct http_head *h, const char *s,
				     size_t len)
{
	if (len != 8 || memcmp(s, "HTTP/", 5) != 0 || s[6] != '.' ||
	    !http_char_is(s[5], HTTP_C_DIGIT) ||
	    !http_char_is(s[7], HTTP_C_DIGIT))
		return http_head_bad(h, 400,
				     "the first line has no HTTP version");
	if (s[5] != '1' || s[7] > '1')
		return http_head_bad(h, 505,
				     "the version is not HTTP/1.0 or HTTP/1.1");
	h->minor = (uint8_t)(s[7] - '0');
	return HTTP_DONE;
}

static enum http_state parse_request_line(struct http_head *h, const char *buf,
					  uint32_t off, uint32_t len)
{
	const char *s = buf + off, *end = s + len, *sp, *sp2;
	uint32_t method_len = (uint32_t)http_span_of(s, len, HTTP_C_TOKEN);

	if (method_len == 0 || method_len > METHOD_MAX || method_len == len ||
	    s[method_len] != ' ')
		return http_head_bad(h, 400, "the method is malformed");
	h->method_text = (struct http_span){ off, method_len };
	h->method = method_find(s, method_len);
	sp = s + method_len;
	sp2 = memchr(sp + 1, ' ', (size_t)(end - sp - 1));
	if (!sp2)
		return http_head_bad(h, 400,
				     "the request line has no HTTP version");
	if (parse_version(h, sp2 + 1, (size_t)(end - sp2 - 1)) == HTTP_BAD)
		return HTTP_BAD;
	h->target = (struct http_span){ off + method_len + 1,
					(uint32_t)(sp2 - sp - 1) };
	if (h->target.len == 0 || !parse_target(h, buf))
		return http_head_bad(h, 400, "the target is malformed");
	return HTTP_DONE;
}

static enum http_state parse_status_line(struct http_head *h, const char *buf,
					 uint32_t off, uint32_t len)
{
	const char *s = buf + off;

	if (parse_version(h, s, len < 8 ? len : 8) == HTTP_BAD)
		return HTTP_BAD;
	if (len < 12 || s[8] != ' ' || !http_all(s + 9, 3, HTTP_C_DIGIT) ||
	    (len > 12 && s[12] != ' '))
		return http_head_bad(h, 502, "the status line is malformed");
	h->status = (uint16_t)((s[9] - '0') * 100 + (s[10] - '0') * 10 +
			       (s[11] - '0'));
	if (h->status < 100 || h->status > 599)
		return http_head_bad(h, 502,
				     "the status is not one of 100 to 599");
	if (len <= 13)
		return HTTP_DONE;
	h->reason = (struct http_span){ off + 13, len - 13 };
	if (!http_all(s + 13, len - 13, HTTP_C_VALUE))
		return http_head_bad(h, 502,
				     "the status line has a control byte");
	return HTTP_DONE;
}

/* ---- lines --------------------------------------------------------------- */

/*
 * Whether a line that began at h->line and goes at least to `end` passes a
 * limit; `end` is behind its newline, or 1 more than has come.
 */
static enum http_state check_limits(struct http_head *h, size_t end)
{
	if (!h->started && end - h->line > h->limits.line_bytes)
		return http_head_bad(h, 414, "the first line is too long");
	if (end > h->limits.head_bytes)
		return http_head_bad(h, 431, "the head is too long");
	return HTTP_MORE;
}

/* The line without its end. HTTP_MORE: there are lines to come. */
static enum http_state parse_line(struct http_head *h, const char *buf,
				  uint32_t off, uint32_t len)
{
	enum http_state st;

	if (h->started && len == 0)
		return http_fields_finish(h, buf);
	if (h->started)
		return http_fields_add(h, buf, off, len);
	/* One empty line before a request is let pass (RFC 9112, 2.2). */
	if (len == 0 && off == 0 && !h->response)
		return HTTP_MORE;
	h->started = true;
	st = h->response ? parse_status_line(h, buf, off, len) :
			   parse_request_line(h, buf, off, len);
	return st == HTTP_DONE ? HTTP_MORE : st;
}

enum http_state http_head_parse(struct http_head *h, const char *buf,
				size_t len)
{
	enum http_state st = HTTP_MORE;
	const char *nl;
	uint32_t begin;
	size_t end;

	if (h->why)
		return HTTP_BAD;
	while (st == HTTP_MORE) {
		nl = len > h->line ?
			     memchr(buf + h->line, '\n', len - h->line) :
			     NULL;
		end = nl ? (size_t)(nl - buf) + 1 : len + 1;
		if (check_limits(h, end) == HTTP_BAD)
			return HTTP_BAD;
		if (!nl)
			return HTTP_MORE;
		if (end - h->line < 2 || nl[-1] != '\r')
			return http_head_bad(
				h, 400, "a line of the head ends without CR");
		begin = h->line;
		h->line = (uint32_t)end;
		st = parse_line(h, buf, begin, (uint32_t)(end - 2) - begin);
	}
	h->len = h->line;
	return st;
}
