/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chunked coding as a machine that takes a byte at a time and data in
 * one piece. Every line must end with CR LF; a size is hexadecimal digits and
 * nothing else, no more of them than 64 bits need. The limits are for the
 * whole body, so that many small extensions are no way around them.
 */
#include "http/chunked.h"

#include <string.h>

#include "http/chars.h"

enum {
	SIZE, /* digits */
	EXTENSION, /* after ; */
	SIZE_LF, /* the line's CR has come */
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER_START, /* at the start of a line after the last chunk */
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	END_LF, /* of the empty line */
	END,
	BROKEN,
};

void http_chunked_init(struct http_chunked *c)
{
	memset(c, 0, sizeof(*c));
}

bool http_chunked_done(const struct http_chunked *c)
{
	return c->state == END;
}

static void bad(struct http_chunked *c, const char *why)
{
	c->state = BROKEN;
	c->why = why;
}

static unsigned hex_value(char c)
{
	return c <= '9' ? (unsigned)(c - '0') :
			  (unsigned)((c | 0x20) - 'a') + 10;
}

static void on_size(struct http_chunked *c, char b)
{
	if (http_char_is(b, HTTP_C_HEX)) {
		/* 15 digits: the sum of two sizes never overflows. */
		if (++c->digits > 15)
			bad(c, "the size of a chunk is too long");
		c->left = c->left << 4 | hex_value(b);
	} else if (c->digits > 0 && b == ';') {
		c->state = EXTENSION;
	} else if (c->digits > 0 && b == '\r') {
		c->state = SIZE_LF;
	} else {
		bad(c, "the size of a chunk is malformed");
	}
}

static void on_extension(struct http_chunked *c, char b)
{
	if (++c->extensions > HTTP_EXTENSIONS_MAX)
		bad(c, "the extensions of chunks are too long");
	else if (b == '\r')
		c->state = SIZE_LF;
	else if (!http_char_is(b, HTTP_C_VALUE))
		bad(c, "an extension of a chunk has a control byte");
}

static void on_lf(struct http_chunked *c, char b, uint8_t next)
{
	if (b != '\n')
		bad(c, "a line of the chunked coding ends without CR LF");
	else
		c->state = next;
}

static void on_trailer(struct http_chunked *c, char b)
{
	if (++c->trailers > HTTP_TRAILERS_MAX) {
		bad(c, "the trailers are too long");
	} else if (c->state == TRAILER_START && b == '\r') {
		c->state = END_LF;
	} else if (c->state == TRAILER_VALUE) {
		if (b == '\r')
			c->state = TRAILER_LF;
		else if (!http_char_is(b, HTTP_C_VALUE))
			bad(c, "a trailer has a control byte");
	} else if (c->state == TRAILER_NAME && b == ':') {
		c->state = TRAILER_VALUE;
	} else if (http_char_is(b, HTTP_C_TOKEN)) {
		c->state = TRAILER_NAME;
	} else {
		bad(c, "the name of a trailer is malformed");
	}
}

static void on_byte(struct http_chunked *c, char b)
{
	switch (c->state) {
	case SIZE:
		on_size(c, b);
		break;
	case EXTENSION:
		on_extension(c, b);
		break;
	case SIZE_LF:
		on_lf(c, b, c->left ? DATA : TRAILER_START);
		break;
	case DATA_CR:
		if (b != '\r')
			bad(c, "a chunk is longer than its size");
		else
			c->state = DATA_LF;
		break;
	case DATA_LF:
		c->digits = 0;
		on_lf(c, b, SIZE);
		break;
	case TRAILER_LF:
		on_lf(c, b, TRAILER_START);
		break;
	case END_LF:
		on_lf(c, b, END);
		break;
	default:
		on_trailer(c, b);
		break;
	}
}

/* Moves what is there of a chunk's data; returns how much. */
static size_t take_data(struct http_chunked *c, char *to, const char *from,
			size_t len)
{
	size_t n = c->left < len ? (size_t)c->left : len;

	if (to != from)
		memmove(to, from, n);
	c->left -= n;
	if (c->left == 0)
		c->state = DATA_CR;
	return n;
}

ssize_t http_chunked_decode(struct http_chunked *c, char *buf, size_t len,
			    size_t *ret_data)
{
	size_t i = 0, data = 0, n;

	while (i < len && c->state < END) {
		if (c->state == DATA) {
			n = take_data(c, buf + data, buf + i, len - i);
			data += n;
			i += n;
		} else {
			on_byte(c, buf[i++]);
		}
	}
	*ret_data = data;
	return c->state == BROKEN ? -1 : (ssize_t)i;
}

size_t http_chunk_head(char out[HTTP_CHUNK_HEAD_MAX], uint64_t len)
{
	static const char digits[] = "0123456789abcdef";
	unsigned shift = 60;
	size_t n = 0;

	while (shift > 0 && len >> shift == 0)
		shift -= 4;
	for (;; shift -= 4) {
		out[n++] = digits[len >> shift & 15];
		if (shift == 0)
			break;
	}
	out[n++] = '\r';
	out[n++] = '\n';
	return n;
}
