/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of http/chars.h. Queries and paths may hold what browsers leave as
 * it is (WHATWG URL), which is a little more than RFC 3986 allows: |, ^,
 * brackets and braces. No byte above 0x7e may stand in them, and none that
 * ends a line or a word.
 */
#include "http/chars.h"

/* Each is what the one before is, and more; NAME stands beside them. */
enum {
	VALUE = HTTP_C_VALUE,
	QUERY = VALUE | HTTP_C_QUERY,
	PATH = QUERY | HTTP_C_PATH,
	NAME = VALUE | HTTP_C_TOKEN,
	HOST = PATH | NAME | HTTP_C_HOST,
};

const uint8_t http_chars[256] = {
	['\t'] = VALUE,
	[' '] = VALUE,
	['!'] = NAME | PATH,
	['"'] = VALUE,
	['#'] = NAME,
	['$' ... '\''] = NAME | PATH,
	['(' ... ')'] = PATH,
	['*' ... '+'] = NAME | PATH,
	[','] = PATH,
	['-' ... '.'] = HOST,
	['/'] = PATH,
	['0' ... '9'] = HOST | HTTP_C_HEX | HTTP_C_DIGIT,
	[':' ... ';'] = PATH,
	['<'] = VALUE,
	['='] = PATH,
	['>'] = VALUE,
	['?'] = QUERY,
	['@'] = PATH,
	['A' ... 'F'] = HOST | HTTP_C_HEX,
	['G' ... 'Z'] = HOST,
	['['] = PATH,
	['\\'] = QUERY,
	[']'] = PATH,
	['^'] = NAME | PATH,
	['_'] = HOST,
	['`'] = NAME | QUERY,
	['a' ... 'f'] = HOST | HTTP_C_HEX,
	['g' ... 'z'] = HOST,
	['{'] = PATH,
	['|'] = NAME | PATH,
	['}'] = PATH,
	['~'] = NAME | PATH,
	[0x80 ... 0xff] = VALUE,
};
