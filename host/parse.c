/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsers of option values. strtoull is avoided for what it accepts: signs,
 * blanks, nothing.
 */
#include "host/parse.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *name;
	uint64_t factor;
};

/* Digits, then a unit (the first in the list is for none). */
static bool parse_quantity(uint64_t *ret, const char *text,
			   const struct unit *units)
{
	uint64_t n = 0;
	const char *p;

	for (p = text; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
			return false;
	}
	if (p == text)
		return false;
	for (; units->name; units++) {
		if (strcasecmp(p, units->name) == 0)
			return !__builtin_mul_overflow(n, units->factor, ret);
	}
	return false;
}

int parse_size(uint64_t *ret, const char *text, struct err *e)
{
	static const struct unit units[] = {
		{ "", 1 },	   { "b", 1 },	      { "k", 1 << 10 },
		{ "kb", 1 << 10 }, { "m", 1 << 20 },  { "mb", 1 << 20 },
		{ "g", 1 << 30 },  { "gb", 1 << 30 }, { NULL, 0 },
	};

	uint64_t bytes;

	if (!parse_quantity(&bytes, text, units) || bytes == 0)
		return err_set(e, EINVAL,
			       "%s is not a size; write it like "
			       "64m or 1g",
			       text);
	*ret = bytes;
	return 0;
}

int parse_duration(uint64_t *ret_ms, const char *text, struct err *e)
{
	static const struct unit units[] = {
		{ "", 1000 },	{ "s", 1000 },	  { "ms", 1 },
		{ "m", 60000 }, { "h", 3600000 }, { NULL, 0 },
	};
	uint64_t ms;

	if (!parse_quantity(&ms, text, units) || ms == 0)
		return err_set(e, EINVAL,
			       "%s is not a time; write it like "
			       "500ms, 2s or 1m",
			       text);
	*ret_ms = ms;
	return 0;
}

bool parse_number(uint64_t *ret, const char *text, uint64_t min, uint64_t max)
{
	static const struct unit units[] = { { "", 1 }, { NULL, 0 } };
	uint64_t n;

	if (!parse_quantity(&n, text, units) || n < min || n > max)
		return false;
	*ret = n;
	return true;
}
