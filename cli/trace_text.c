/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing text. When memory runs out, or the text is too long, what does not
 * fit is left out: a line is cut then, nothing else happens.
 */
#include "cli/trace_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_fini(struct text *t)
{
	free(t->data);
	*t = (struct text){ 0 };
}

static bool reserve(struct text *t, size_t more)
{
	size_t size = t->size ? t->size : 512;
	char *data;

	if (more > TEXT_MAX || t->len + more > TEXT_MAX)
		return false;
	while (size < t->len + more)
		size *= 2;
	if (size == t->size)
		return true;
	data = realloc(t->data, size);
	if (!data)
		return false;
	t->data = data;
	t->size = size;
	return true;
}

void text_add(struct text *t, const void *bytes, size_t len)
{
	if (!len || !reserve(t, len))
		return;
	memcpy(t->data + t->len, bytes, len);
	t->len += len;
}

void text_puts(struct text *t, const char *s)
{
	text_add(t, s, strlen(s));
}

void text_printf(struct text *t, const char *fmt, ...)
{
	char buf[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	if (n > 0)
		text_add(t, buf,
			 (size_t)n < sizeof(buf) ? (size_t)n : sizeof(buf) - 1);
}

/* An octal digit that follows must not be taken for a part of the number. */
static void put_octal(struct text *t, uint8_t c, uint8_t next)
{
	bool digit = next >= '0' && next <= '7';

	text_printf(t, digit ? "\\%03o" : "\\%o", c);
}

void text_quote(struct text *t, const void *bytes, size_t len)
{
	static const char named[] = "\"\"\\\\\nn\tt\rr\ff\vv";
	const uint8_t *p = bytes;
	const char *n;
	size_t i;

	text_puts(t, "\"");
	for (i = 0; i < len; i++) {
		for (n = named; *n && (uint8_t)*n != p[i]; n += 2)
			;
		if (*n)
			text_printf(t, "\\%c", n[1]);
		else if (p[i] >= ' ' && p[i] <= '~')
			text_add(t, &p[i], 1);
		else
			put_octal(t, p[i], i + 1 < len ? p[i + 1] : 0);
	}
	text_puts(t, "\"");
}

void text_quote_hex(struct text *t, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	size_t i;

	text_puts(t, "\"");
	for (i = 0; i < len; i++)
		text_printf(t, "\\x%02x", p[i]);
	text_puts(t, "\"");
}

void text_addr(struct text *t, uint64_t addr)
{
	if (addr)
		text_printf(t, "0x%llx", (unsigned long long)addr);
	else
		text_puts(t, "NULL");
}
