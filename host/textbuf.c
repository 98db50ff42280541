/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Room doubles. Text that others wrote goes into logs, terminals and JSON
 * readers: textbuf_json is the one place that makes it harmless.
 */
#include "host/textbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROOM_FIRST 256

void textbuf_fini(struct textbuf *b)
{
	free(b->data);
	*b = (struct textbuf){ 0 };
}

void textbuf_clear(struct textbuf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data)
		b->data[0] = '\0';
}

void textbuf_drop(struct textbuf *b, size_t len)
{
	if (len == 0)
		return;
	memmove(b->data, b->data + len, b->len - len + 1);
	b->len -= len;
}

/* Room for `more` bytes and a NUL. */
static bool reserve(struct textbuf *b, size_t more)
{
	size_t room = b->room ? b->room : ROOM_FIRST;
	char *data;

	if (b->failed)
		return false;
	if (more < b->room - b->len)
		return true;
	while (room - b->len <= more) {
		if (room > SIZE_MAX / 4) {
			b->failed = true;
			return false;
		}
		room *= 2;
	}
	data = realloc(b->data, room);
	if (!data) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->room = room;
	return true;
}

void textbuf_bytes(struct textbuf *b, const void *bytes, size_t len)
{
	if (!reserve(b, len))
		return;
	if (len)
		memcpy(b->data + b->len, bytes, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void textbuf_text(struct textbuf *b, const char *text)
{
	textbuf_bytes(b, text, strlen(text));
}

void textbuf_printf(struct textbuf *b, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0 || !reserve(b, (size_t)len)) {
		b->failed = true;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)len + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)len;
}

/* Bytes of the character at s, of at most `left`; 0 if it is not UTF-8. */
static size_t utf8_len(const uint8_t *s, size_t left, uint32_t *ret_code)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = s[0] < 0x80 ? 1 :
		     s[0] < 0xc0 ? 0 :
		     s[0] < 0xe0 ? 2 :
		     s[0] < 0xf0 ? 3 :
		     s[0] < 0xf8 ? 4 :
				   0;
	uint32_t code;

	if (len == 0 || len > left)
		return 0;
	code = len == 1 ? s[0] : s[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (code < smallest[len] || code > 0x10ffff ||
	    (code >= 0xd800 && code < 0xe000))
		return 0;
	*ret_code = code;
	return len;
}

static const char *short_escape(uint32_t code)
{
	switch (code) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	default:
		return NULL;
	}
}

/* Also what terminals obey (C1), and what moves text about (bidi). */
static bool is_harmless(uint32_t code)
{
	return code >= 0x20 && !(code >= 0x7f && code < 0xa0) &&
	       !(code >= 0x2028 && code <= 0x202e) &&
	       !(code >= 0x2066 && code <= 0x2069);
}

void textbuf_json_inner(struct textbuf *b, const void *bytes, size_t len)
{
	const uint8_t *s = bytes;
	size_t from = 0, at = 0, n;
	const char *escape;
	uint32_t code = 0;

	while (at < len) {
		n = utf8_len(s + at, len - at, &code);
		escape = n ? short_escape(code) : "\xef\xbf\xbd";
		if (n && !escape && is_harmless(code)) {
			at += n;
			continue;
		}
		textbuf_bytes(b, s + from, at - from);
		if (escape)
			textbuf_text(b, escape);
		else
			textbuf_printf(b, "\\u%04x", code);
		at += n ? n : 1;
		from = at;
	}
	textbuf_bytes(b, s + from, at - from);
}

void textbuf_json(struct textbuf *b, const void *bytes, size_t len)
{
	textbuf_bytes(b, "\"", 1);
	textbuf_json_inner(b, bytes, len);
	textbuf_bytes(b, "\"", 1);
}

void textbuf_time(struct textbuf *b, uint64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;

	if (!gmtime_r(&s, &tm))
		memset(&tm, 0, sizeof(tm));
	textbuf_printf(b, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ",
		       tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		       tm.tm_min, tm.tm_sec, (unsigned)(ms % 1000));
}

char *textbuf_take(struct textbuf *b, size_t *ret_len)
{
	char *data = NULL;

	textbuf_bytes(b, "", 0);
	if (!b->failed) {
		data = b->data;
		if (ret_len)
			*ret_len = b->len;
		b->data = NULL;
	}
	textbuf_fini(b);
	return data;
}
