/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formatting without a C library. %d %i %u %x %X %c %s %p %% with the flags
 * 0, - and # (0x), width, precision for %s, and l, ll, z. Always terminates;
 * returns the length the whole text would have had.
 */
#ifndef LIB_FMT_H
#define LIB_FMT_H

#include <stdarg.h>
#include <stddef.h>

int fmt_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int fmt_snprintf(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
