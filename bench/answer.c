/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads an HTTP/1.1 answer for firstbyte. The answer is short, so it is
 * kept whole and read anew from its start whenever more of it has come.
 */
#include "bench/answer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The value of a head line, or NULL. */
static const char *answer_field(const struct answer *a, const char *name)
{
	const char *line = strstr(a->raw, "\r\n");
	size_t len = strlen(name);

	for (; line && strncmp(line, "\r\n\r\n", 4) != 0;
	     line = strstr(line + 2, "\r\n")) {
		const char *value = line + 2 + len + 1;

		if (strncasecmp(line + 2, name, len) != 0 ||
		    line[2 + len] != ':')
			continue;
		return value + strspn(value, " \t");
	}
	return NULL;
}

static void answer_add_body(struct answer *a, const char *from, size_t len)
{
	memcpy(a->body + a->body_len, from, len);
	a->body_len += len;
}

static enum verdict answer_read_chunks(struct answer *a, const char *at)
{
	const char *end = a->raw + a->raw_len;

	for (;;) {
		const char *line = memmem(at, (size_t)(end - at), "\r\n", 2);
		char *digits_end;
		unsigned long size;

		if (!line)
			return ANSWER_MORE;
		size = strtoul(at, &digits_end, 16);
		if (!isxdigit((unsigned char)*at) || size > ANSWER_MAX ||
		    (*digits_end != '\r' && *digits_end != ';'))
			return ANSWER_BROKEN;
		if (size == 0)
			return ANSWER_COMPLETE;
		at = line + 2;
		if ((size_t)(end - at) < size + 2) {
			size_t have = (size_t)(end - at);

			answer_add_body(a, at, have < size ? have : size);
			return ANSWER_MORE;
		}
		answer_add_body(a, at, size);
		at += size + 2;
	}
}

enum verdict answer_read(struct answer *a)
{
	const char *head_end = memmem(a->raw, a->raw_len, "\r\n\r\n", 4);
	const char *encoding, *length, *body;
	size_t have, want;
	char *end;

	a->body_len = 0;
	if (!head_end)
		return ANSWER_MORE;
	if (strncmp(a->raw, "HTTP/1.", 7) != 0 || a->raw[8] != ' ')
		return ANSWER_BROKEN;
	a->status = (int)strtol(a->raw + 9, NULL, 10);
	body = head_end + 4;
	have = (size_t)(a->raw + a->raw_len - body);
	encoding = answer_field(a, "Transfer-Encoding");
	if (encoding && strncasecmp(encoding, "chunked", 7) == 0)
		return answer_read_chunks(a, body);
	length = answer_field(a, "Content-Length");
	if (!length) {
		answer_add_body(a, body, have);
		return a->closed ? ANSWER_COMPLETE : ANSWER_MORE;
	}
	want = strtoul(length, &end, 10);
	if (end == length)
		return ANSWER_BROKEN;
	answer_add_body(a, body, have < want ? have : want);
	return have >= want ? ANSWER_COMPLETE : ANSWER_MORE;
}
