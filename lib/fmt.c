/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small snprintf for code that runs without a C library. One pass over the
 * format; everything goes through `put`, which alone knows the buffer's end.
 */
#include "lib/fmt.h"

#include <stdbool.h>
#include <stdint.h>

struct out {
	char *buf;
	size_t size;
	size_t len;
};

struct spec {
	bool left, zero, alt;
	int width;
	int precision; /* -1: none */
	int longs; /* 0 int, 1 long, 2 long long; z counts as 1 */
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void put_padded(struct out *o, const struct spec *s, const char *text,
		       size_t len)
{
	size_t pad = 0;
	size_t i = 0;

	if (s->width > 0 && (size_t)s->width > len)
		pad = (size_t)s->width - len;
	if (!s->left && s->zero && len && text[0] == '-')
		put(o, text[i++]);
	for (size_t n = pad; !s->left && n; n--)
		put(o, s->zero ? '0' : ' ');
	for (; i < len; i++)
		put(o, text[i]);
	for (size_t n = pad; s->left && n; n--)
		put(o, ' ');
}

static void put_number(struct out *o, const struct spec *s, uint64_t v,
		       unsigned base, char letter)
{
	char text[24];
	size_t at = sizeof(text);
	bool negative = letter == 'd' && (int64_t)v < 0;
	const char *digits = letter == 'X' ? "0123456789ABCDEF" :
					     "0123456789abcdef";

	if (negative)
		v = 0 - v;
	do {
		text[--at] = digits[v % base];
		v /= base;
	} while (v);
	if (negative)
		text[--at] = '-';
	if (s->alt && base == 16) {
		text[--at] = 'x';
		text[--at] = '0';
	}
	put_padded(o, s, text + at, sizeof(text) - at);
}

static void put_string(struct out *o, const struct spec *s, const char *text)
{
	size_t len = 0;

	if (!text)
		text = "(null)";
	while (text[len] && (s->precision < 0 || len < (size_t)s->precision))
		len++;
	put_padded(o, s, text, len);
}

static const char *parse_number(const char *f, va_list *ap, int *ret)
{
	if (*f == '*') {
		*ret = va_arg(*ap, int);
		return f + 1;
	}
	*ret = 0;
	while (*f >= '0' && *f <= '9')
		*ret = *ret * 10 + (*f++ - '0');
	return f;
}

static const char *parse_spec(const char *f, va_list *ap, struct spec *s)
{
	*s = (struct spec){ .precision = -1 };
	for (;; f++) {
		if (*f == '-')
			s->left = true;
		else if (*f == '0')
			s->zero = true;
		else if (*f == '#')
			s->alt = true;
		else
			break;
	}
	f = parse_number(f, ap, &s->width);
	if (*f == '.')
		f = parse_number(f + 1, ap, &s->precision);
	while (*f == 'l' || *f == 'z') {
		s->longs++;
		f++;
	}
	return f;
}

static uint64_t arg_signed(const struct spec *s, va_list *ap)
{
	if (s->longs)
		return (uint64_t)va_arg(*ap, long);
	return (uint64_t)(int64_t)va_arg(*ap, int);
}

static uint64_t arg_unsigned(const struct spec *s, va_list *ap)
{
	if (s->longs)
		return va_arg(*ap, unsigned long);
	return va_arg(*ap, unsigned int);
}

static void put_spec(struct out *o, const struct spec *s, char c, va_list *ap)
{
	char one;

	switch (c) {
	case 'd':
	case 'i':
		put_number(o, s, arg_signed(s, ap), 10, 'd');
		break;
	case 'u':
		put_number(o, s, arg_unsigned(s, ap), 10, c);
		break;
	case 'x':
	case 'X':
		put_number(o, s, arg_unsigned(s, ap), 16, c);
		break;
	case 'p':
		put(o, '0');
		put(o, 'x');
		put_number(o, s, (uintptr_t)va_arg(*ap, void *), 16, c);
		break;
	case 'c':
		one = (char)va_arg(*ap, int);
		put_padded(o, s, &one, 1);
		break;
	case 's':
		put_string(o, s, va_arg(*ap, const char *));
		break;
	default:
		put(o, c);
		break;
	}
}

int fmt_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { buf, size, 0 };
	va_list args;

	va_copy(args, ap);
	for (const char *f = fmt; *f; f++) {
		struct spec s;

		if (*f != '%') {
			put(&o, *f);
			continue;
		}
		f = parse_spec(f + 1, &args, &s);
		if (!*f)
			break;
		put_spec(&o, &s, *f, &args);
	}
	va_end(args);
	if (size)
		buf[o.len < size ? o.len : size - 1] = '\0';
	return (int)o.len;
}

int fmt_snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = fmt_vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
