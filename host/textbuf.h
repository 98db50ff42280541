/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that grows. An empty one is all zero. When memory is short it stays as
 * it was and remembers that: who has built a text asks once, at its end.
 */
#ifndef HOST_TEXTBUF_H
#define HOST_TEXTBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct textbuf {
	char *data; /* len bytes, then NUL; NULL while empty */
	size_t len;
	size_t room; /* private */
	bool failed; /* something is missing: no memory */
};

void textbuf_fini(struct textbuf *b);
/* Keeps the memory. */
void textbuf_clear(struct textbuf *b);
/* Drops the first `len` bytes. */
void textbuf_drop(struct textbuf *b, size_t len);

void textbuf_bytes(struct textbuf *b, const void *bytes, size_t len);
void textbuf_text(struct textbuf *b, const char *text);
void textbuf_printf(struct textbuf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/*
 * A JSON string, with its quotes, of any bytes: what is not UTF-8 becomes
 * U+FFFD, and no control character is left as it is.
 */
void textbuf_json(struct textbuf *b, const void *bytes, size_t len);
/* The same without the quotes. */
void textbuf_json_inner(struct textbuf *b, const void *bytes, size_t len);
/* A moment, milliseconds since 1970, as 2026-11-21T20:26:29.123Z. */
void textbuf_time(struct textbuf *b, uint64_t ms);

/* The text, the caller's to free, never NULL if len is 0 and nothing failed;
 * NULL if something is missing. Leaves an empty one. */
char *textbuf_take(struct textbuf *b, size_t *ret_len);

#define AUTO_TEXTBUF __attribute__((cleanup(textbuf_fini)))

#endif
