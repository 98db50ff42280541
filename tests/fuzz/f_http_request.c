/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests: the result does not depend on how the bytes were split, all that
 * was found lies inside the head, and a head written from what was found
 * means the same. What follows the head is tried as a chunked body.
 */
#include "tests/fuzz/http_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_copy(const struct http_head *h, const char *buf)
{
	static struct http_text t;

	t.len = 0;
	http_put_span(&t, buf, h->method_text);
	http_put(&t, " ", 1);
	http_put_span(&t, buf, h->target);
	http_put(&t, h->minor ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n", 11);
	http_put_fields(&t, buf, h);
	http_check_copy(h, buf, &t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_head a, b;
	enum http_state sa, sb;
	size_t split, len;
	char *buf, *part;

	if (size < 2)
		return 0;
	len = size - 2;
	split = len ? (size_t)(data[0] | data[1] << 8) % len : 0;
	buf = http_exact(data + 2, len);
	part = http_exact(data + 2, split);
	http_begin(&a, false);
	http_begin(&b, false);
	sa = http_head_parse(&a, buf, len);
	sb = http_head_parse(&b, part, split);
	if (sb == HTTP_MORE)
		sb = http_head_parse(&b, buf, len);
	http_require_same(sa, &a, sb, &b);
	if (sa == HTTP_DONE) {
		http_require(a.len <= len);
		http_check_spans(&a);
		check_copy(&a, buf);
		http_check_chunked(buf + a.len, len - a.len,
				   split % (len - a.len + 1));
	} else {
		http_check_chunked(buf, len, split);
	}
	free(buf);
	free(part);
	return 0;
}
