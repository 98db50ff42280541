/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One write, so that lines of several processes do not mix. What guests say
 * passes through here; it must not move the cursor or begin a new line.
 */
#include "host/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/file.h"

static const char *log_name = "mayfly";

void log_set_name(const char *name)
{
	log_name = name;
}

void log_say(const char *fmt, ...)
{
	char line[1024];
	const size_t max = sizeof(line) - 1;
	size_t i, len, start;
	va_list ap;

	start = (size_t)snprintf(line, max, "%s: ", log_name);
	va_start(ap, fmt);
	vsnprintf(line + start, max - start, fmt, ap);
	va_end(ap);
	len = strlen(line);
	for (i = start; i < len; i++) {
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	}
	line[len++] = '\n';
	file_write(2, line, len);
}
