/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading DNS messages: every offset is checked before it is used, names are
 * never followed through their pointers. A message that is not understood
 * is no message.
 */
#include "launch/dns.h"

#include <ctype.h>
#include <string.h>

#define FLAG_RESPONSE  0x80u /* in byte 2 */
#define MASK_OPCODE    0x78u
#define FLAG_RECURSE   0x01u
#define FLAG_AVAILABLE 0x80u /* in byte 3 */
#define POINTER	       0xc0u
#define RECORD_FIXED   10u /* type, class, ttl, length of the data */
#define OWN_TTL	       5u /* seconds */

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

uint16_t dns_id(const uint8_t *msg)
{
	return get16(msg);
}

void dns_set_id(uint8_t *msg, uint16_t id)
{
	put16(msg, id);
}

/* ---- the question ------------------------------------------------------- */

/* One label at `at` (its length byte); false if it is not acceptable. */
static bool take_label(const uint8_t *msg, size_t at, char *to)
{
	for (size_t i = 1; i <= msg[at]; i++) {
		uint8_t c = msg[at + i];

		if (c <= ' ' || c > '~' || c == '.')
			return false;
		to[i - 1] = (char)tolower(c);
	}
	return true;
}

/* The offset behind the name at `at`, or 0. */
static size_t take_name(const uint8_t *msg, size_t len, size_t at,
			char name[DNS_NAME_MAX + 1])
{
	size_t n = 0;

	while (at < len && msg[at]) {
		size_t label = msg[at];

		if (label > 63 || label >= len - at ||
		    n + label + (n > 0) > DNS_NAME_MAX)
			return 0;
		if (n)
			name[n++] = '.';
		if (!take_label(msg, at, name + n))
			return 0;
		n += label;
		at += label + 1;
	}
	name[n] = '\0';
	return at < len ? at + 1 : 0;
}

static bool take_question(const uint8_t *msg, size_t len,
			  struct dns_question *ret)
{
	size_t at;

	if (len < DNS_HEADER || len > DNS_MESSAGE_MAX || get16(msg + 4) != 1)
		return false;
	at = take_name(msg, len, DNS_HEADER, ret->name);
	if (!at || len - at < 4)
		return false;
	ret->id = get16(msg);
	ret->type = get16(msg + at);
	ret->class = get16(msg + at + 2);
	ret->end = (uint32_t)at + 4;
	return true;
}

bool dns_parse_query(const uint8_t *msg, size_t len, struct dns_question *ret)
{
	if (!take_question(msg, len, ret))
		return false;
	return !(msg[2] & (FLAG_RESPONSE | MASK_OPCODE));
}

bool dns_is_answer(const uint8_t *msg, size_t len,
		   const struct dns_question *want)
{
	struct dns_question q;

	if (!take_question(msg, len, &q) || !(msg[2] & FLAG_RESPONSE))
		return false;
	return q.id == want->id && q.type == want->type &&
	       q.class == want->class && strcmp(q.name, want->name) == 0;
}

/* ---- answers ------------------------------------------------------------ */

/* The offset behind a name that may end in a pointer, or 0. */
static size_t skip_name(const uint8_t *msg, size_t len, size_t at)
{
	while (at < len) {
		if (msg[at] == 0)
			return at + 1;
		if ((msg[at] & POINTER) == POINTER)
			return at + 2;
		if (msg[at] & POINTER)
			return 0;
		at += (size_t)msg[at] + 1;
	}
	return 0;
}

void dns_each_address(const uint8_t *msg, size_t len,
		      const struct dns_question *q, dns_address_fn fn,
		      void *ctx)
{
	unsigned count = len >= DNS_HEADER ? get16(msg + 6) : 0;
	size_t at = q->end;

	while (count--) {
		unsigned type, size;

		at = skip_name(msg, len, at);
		if (!at || at > len || len - at < RECORD_FIXED)
			return;
		type = get16(msg + at);
		size = get16(msg + at + 8);
		at += RECORD_FIXED;
		if (size > len - at)
			return;
		if ((type == DNS_TYPE_A && size == 4) ||
		    (type == DNS_TYPE_AAAA && size == 16))
			fn(ctx, msg + at, size);
		at += size;
	}
}

size_t dns_make_answer(uint8_t *out, const uint8_t *query,
		       const struct dns_question *q, enum dns_code code,
		       const uint8_t *ip)
{
	uint8_t *at = out + q->end;

	memcpy(out, query, q->end);
	out[2] = (uint8_t)(FLAG_RESPONSE | (query[2] & FLAG_RECURSE));
	out[3] = (uint8_t)(FLAG_AVAILABLE | code);
	put16(out + 6, ip != NULL);
	put16(out + 8, 0);
	put16(out + 10, 0);
	if (!ip)
		return q->end;
	put16(at, POINTER << 8 | DNS_HEADER);
	put16(at + 2, DNS_TYPE_A);
	put16(at + 4, q->class);
	put16(at + 6, 0);
	put16(at + 8, OWN_TTL);
	put16(at + 10, 4);
	memcpy(at + 12, ip, 4);
	return q->end + 16;
}
