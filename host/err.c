/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors as sentences. Bytes that could disturb a terminal (a file name may
 * hold any) become '?', so that a message is always one printable line.
 */
#include "host/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void make_printable(char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
	}
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (e) {
		e->code = code;
		va_start(ap, fmt);
		vsnprintf(e->text, sizeof(e->text), fmt, ap);
		va_end(ap);
		make_printable(e->text);
	}
	return -code;
}

int err_sys(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	if (e) {
		e->code = code;
		va_start(ap, fmt);
		vsnprintf(e->text, sizeof(e->text), fmt, ap);
		va_end(ap);
		len = strlen(e->text);
		snprintf(e->text + len, sizeof(e->text) - len, ": %s",
			 strerror(code));
		make_printable(e->text);
	}
	return -code;
}

int err_at(struct err *e, const char *where, int r)
{
	char text[sizeof(e->text)];

	if (r < 0 && where && e) {
		memcpy(text, e->text, sizeof(text));
		err_set(e, e->code, "%s: %s", where, text);
	}
	return r;
}
