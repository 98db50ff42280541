/* SPDX-License-Identifier: Apache-2.0 */
/* What each byte may be part of in a head, of RFC 9110 and RFC 3986. */
#ifndef HTTP_CHARS_H
#define HTTP_CHARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HTTP_C_TOKEN = 1, /* names, methods, options */
	HTTP_C_VALUE = 2, /* values of fields, reasons: no controls but tab */
	HTTP_C_QUERY = 4, /* queries, as browsers write them */
	HTTP_C_PATH = 8, /* paths, as browsers write them */
	HTTP_C_HOST = 16, /* registered names and IPv4 addresses */
	HTTP_C_DIGIT = 32,
	HTTP_C_HEX = 64,
};

extern const uint8_t http_chars[256];

static inline bool http_char_is(char c, unsigned kinds)
{
	return (http_chars[(uint8_t)c] & kinds) != 0;
}

/* How many of the bytes at the start are of one of the kinds. */
static inline size_t http_span_of(const char *s, size_t len, unsigned kinds)
{
	size_t i = 0;

	while (i < len && http_char_is(s[i], kinds))
		i++;
	return i;
}

static inline bool http_all(const char *s, size_t len, unsigned kinds)
{
	return http_span_of(s, len, kinds) == len;
}

#endif
