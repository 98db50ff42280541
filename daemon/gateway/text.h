/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows in a buffer of fixed size; what does not fit is noted. */
#ifndef DAEMON_GATEWAY_TEXT_H
#define DAEMON_GATEWAY_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "http/head.h"

struct text {
	char *buf;
	size_t len, size;
	bool full; /* something did not fit */
};

static inline void text_add(struct text *t, const char *s, size_t len)
{
	if (len > t->size - t->len) {
		t->full = true;
		return;
	}
	memcpy(t->buf + t->len, s, len);
	t->len += len;
}

static inline void text_str(struct text *t, const char *s)
{
	text_add(t, s, strlen(s));
}

static inline void text_span(struct text *t, const char *buf,
			     struct http_span s)
{
	text_add(t, buf + s.off, s.len);
}

static inline void text_uint(struct text *t, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	text_add(t, digits + at, sizeof(digits) - at);
}

/* NAME: VALUE and the end of the line. */
static inline void text_field(struct text *t, const char *name,
			      const char *value)
{
	text_str(t, name);
	text_add(t, ": ", 2);
	text_str(t, value);
	text_add(t, "\r\n", 2);
}

#endif
