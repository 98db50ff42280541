/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold of every head and every chunked body, for f_http_request
 * and f_http_response. The first two bytes of an input say where it is
 * split, the rest is the message.
 */
#ifndef TESTS_FUZZ_HTTP_CHECK_H
#define TESTS_FUZZ_HTTP_CHECK_H

#include <stdlib.h>
#include <string.h>

#include "http/chunked.h"
#include "http/head.h"

static inline void http_require(bool cond)
{
	if (!cond)
		abort();
}

/* Of its very size, so that a sanitizer sees a step over the end. */
static inline char *http_exact(const void *data, size_t len)
{
	char *p = malloc(len ? len : 1);

	if (!p)
		abort();
	memcpy(p, data, len);
	return p;
}

static inline void http_begin(struct http_head *h, bool response)
{
	static const struct http_limits limits = { .head_bytes = 2000,
						   .line_bytes = 500,
						   .fields = 20 };

	if (response)
		http_response_init(h, &limits);
	else
		http_request_init(h, &limits);
}

static inline bool http_same_span(struct http_span a, struct http_span b)
{
	return a.off == b.off && a.len == b.len;
}

/* Both ended the same way, with the same findings. */
static inline void http_require_same(enum http_state a_state,
				     const struct http_head *a,
				     enum http_state b_state,
				     const struct http_head *b)
{
	http_require(a_state == b_state && a->answer == b->answer &&
		     a->why == b->why);
	if (a_state != HTTP_DONE)
		return;
	http_require(a->len == b->len && a->length == b->length &&
		     a->chunked == b->chunked && a->close == b->close &&
		     a->field_count == b->field_count &&
		     a->method == b->method && a->status == b->status);
	http_require(http_same_span(a->path, b->path) &&
		     http_same_span(a->host, b->host));
	for (uint32_t i = 0; i < a->field_count; i++)
		http_require(
			http_same_span(a->fields[i].value, b->fields[i].value));
}

static inline void http_check_spans(const struct http_head *h)
{
	struct http_span all[] = { h->method_text, h->target, h->path,
				   h->query,	   h->host,   h->reason };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		http_require(all[i].off + all[i].len <= h->len);
	for (uint32_t i = 0; i < h->field_count; i++) {
		const struct http_field *f = &h->fields[i];

		http_require(f->name.len > 0 &&
			     f->name.off + f->name.len < f->value.off + 1 &&
			     f->value.off + f->value.len + 2 <= h->len);
	}
}

struct http_text {
	char bytes[4096];
	size_t len;
};

static inline void http_put(struct http_text *t, const char *s, size_t len)
{
	http_require(len <= sizeof(t->bytes) - t->len);
	memcpy(t->bytes + t->len, s, len);
	t->len += len;
}

static inline void http_put_span(struct http_text *t, const char *buf,
				 struct http_span s)
{
	http_put(t, buf + s.off, s.len);
}

/* The fields and the empty line, as a proxy would write them. */
static inline void http_put_fields(struct http_text *t, const char *buf,
				   const struct http_head *h)
{
	for (uint32_t i = 0; i < h->field_count; i++) {
		http_put_span(t, buf, h->fields[i].name);
		http_put(t, ": ", 2);
		http_put_span(t, buf, h->fields[i].value);
		http_put(t, "\r\n", 2);
	}
	http_put(t, "\r\n", 2);
}

/* What was written from `a` means the same. */
static inline void http_check_copy(const struct http_head *a, const char *buf,
				   const struct http_text *t)
{
	static const struct http_limits limits = { .head_bytes = 4096,
						   .line_bytes = 2000,
						   .fields = 20 };
	struct http_head b;

	if (a->response)
		http_response_init(&b, &limits);
	else
		http_request_init(&b, &limits);
	http_require(http_head_parse(&b, t->bytes, t->len) == HTTP_DONE);
	http_require(b.len == t->len && b.field_count == a->field_count);
	http_require(b.length == a->length && b.chunked == a->chunked &&
		     b.has_length == a->has_length && b.close == a->close &&
		     b.upgrade == a->upgrade && b.nominates == a->nominates);
	http_require(b.method == a->method && b.status == a->status &&
		     b.form == a->form && b.path.len == a->path.len &&
		     b.host.len == a->host.len);
	for (uint32_t i = 0; i < a->field_count; i++) {
		struct http_span x = a->fields[i].value, y = b.fields[i].value;

		http_require(x.len == y.len &&
			     a->fields[i].id == b.fields[i].id &&
			     memcmp(buf + x.off, t->bytes + y.off, x.len) == 0);
	}
	http_require(http_framing(a, HTTP_GET) == http_framing(&b, HTTP_GET));
}

/* The same data comes out of a body in one piece and in two. */
static inline void http_check_chunked(const char *data, size_t len,
				      size_t split)
{
	struct http_chunked a, b;
	char *whole = http_exact(data, len), *left = http_exact(data, split),
	     *right = http_exact(data + split, len - split);
	size_t n, m = 0, k;
	ssize_t r, s;

	http_chunked_init(&a);
	http_chunked_init(&b);
	r = http_chunked_decode(&a, whole, len, &n);
	s = http_chunked_decode(&b, left, split, &k);
	if (s >= 0 && !http_chunked_done(&b)) {
		s = http_chunked_decode(&b, right, len - split, &m);
		if (s >= 0)
			s += (ssize_t)split;
	}
	http_require(r == s && n == k + m && a.why == b.why &&
		     http_chunked_done(&a) == http_chunked_done(&b));
	http_require(memcmp(whole, left, k) == 0 &&
		     memcmp(whole + k, right, m) == 0);
	free(whole);
	free(left);
	free(right);
}

#endif
