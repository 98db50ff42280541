/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading tables of a file that may be anything: a cursor that stops at the
 * end and says so, and the encodings of DWARF that unwind tables use.
 */
#ifndef REWRITE_BYTES_H
#define REWRITE_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct cursor {
	const uint8_t *at;
	uint64_t left;
	uint64_t va; /* of *at */
	bool failed; /* something was read beyond the end */
};

/* Pointer encodings, DW_EH_PE_*. */
#define PE_OMIT	    0xffu
#define PE_FORM	    0x0fu
#define PE_PCREL    0x10u
#define PE_BASE	    0x70u
#define PE_INDIRECT 0x80u

static inline void cursor_skip(struct cursor *c, uint64_t n)
{
	if (n > c->left) {
		c->failed = true;
		n = c->left;
	}
	c->at += n;
	c->left -= n;
	c->va += n;
}

/* A little-endian number of up to 8 bytes; 0 beyond the end. */
static inline uint64_t cursor_uint(struct cursor *c, unsigned size)
{
	uint64_t v = 0;

	if (size > c->left) {
		cursor_skip(c, size);
		return 0;
	}
	memcpy(&v, c->at, size);
	cursor_skip(c, size);
	return v;
}

static inline uint64_t cursor_uleb(struct cursor *c)
{
	uint64_t v = 0;
	unsigned shift = 0;
	uint8_t b;

	do {
		b = (uint8_t)cursor_uint(c, 1);
		if (shift < 64)
			v |= (uint64_t)(b & 0x7f) << shift;
		shift += 7;
	} while ((b & 0x80) && !c->failed);
	return v;
}

/*
 * A pointer in one of DWARF's encodings, of those that compilers use: fixed
 * sizes and uleb128, absolute or relative to where it stands.
 */
static inline uint64_t cursor_pointer(struct cursor *c, uint8_t enc)
{
	uint64_t base = (enc & PE_BASE) == PE_PCREL ? c->va : 0;
	uint64_t v;

	switch (enc & PE_FORM) {
	case 0x00: /* absptr */
	case 0x04: /* udata8 */
	case 0x0c: /* sdata8 */
		v = cursor_uint(c, 8);
		break;
	case 0x01: /* uleb128 */
		v = cursor_uleb(c);
		break;
	case 0x02: /* udata2 */
		v = cursor_uint(c, 2);
		break;
	case 0x0a: /* sdata2 */
		v = (uint64_t)(int16_t)cursor_uint(c, 2);
		break;
	case 0x03: /* udata4 */
		v = cursor_uint(c, 4);
		break;
	case 0x0b: /* sdata4 */
		v = (uint64_t)(int32_t)cursor_uint(c, 4);
		break;
	default:
		c->failed = true;
		return 0;
	}
	return v ? v + base : 0;
}

#endif
