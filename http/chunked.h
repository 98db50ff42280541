/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chunked coding, read as strictly as a head and written. Extensions and
 * trailers are checked, bounded and dropped.
 */
#ifndef HTTP_CHUNKED_H
#define HTTP_CHUNKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HTTP_EXTENSIONS_MAX 4096u /* bytes, of all chunks together */
#define HTTP_TRAILERS_MAX   8192u /* bytes */
#define HTTP_CHUNK_HEAD_MAX 18u /* 16 digits, CR, LF */
#define HTTP_LAST_CHUNK	    "0\r\n\r\n"

struct http_chunked {
	uint8_t state; /* 0: at the start of a body */
	uint8_t digits; /* of the size being read */
	uint32_t extensions, trailers; /* bytes so far */
	uint64_t left; /* of this chunk's data */
	const char *why; /* what is wrong with it, a sentence, or NULL */
};

void http_chunked_init(struct http_chunked *c);

/*
 * Takes bytes of the body. Their data is moved to the front of `buf`, and
 * *ret_data says how much it is. Returns how many bytes were taken: all of
 * them but for what follows the end of the body; or -1, with c->why, and
 * then *ret_data still tells of data that came before what is wrong.
 */
ssize_t http_chunked_decode(struct http_chunked *c, char *buf, size_t len,
			    size_t *ret_data);

/* Whether the whole body was taken. */
bool http_chunked_done(const struct http_chunked *c);

/* The line before `len` > 0 bytes of data, after which goes CR LF. Returns
 * its length. */
size_t http_chunk_head(char out[HTTP_CHUNK_HEAD_MAX], uint64_t len);

#endif
