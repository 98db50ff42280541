/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows, for the lines of a trace. */
#ifndef CLI_TRACE_TEXT_H
#define CLI_TRACE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_MAX (4u << 20) /* bytes; what is beyond is dropped */

/* Zero is empty. */
struct text {
	char *data;
	size_t len, size;
};

void text_fini(struct text *t);
void text_add(struct text *t, const void *bytes, size_t len);
void text_puts(struct text *t, const char *s);
void text_printf(struct text *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* In quotes, what cannot be printed as in C, octal. */
void text_quote(struct text *t, const void *bytes, size_t len);
/* The same, everything as \xNN. */
void text_quote_hex(struct text *t, const void *bytes, size_t len);
/* NULL or 0x... */
void text_addr(struct text *t, uint64_t addr);

#endif
