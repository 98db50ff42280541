/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The query that the options of `mayfly history` and `mayfly logs` become.
 */
#include "cli/query.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "cli/platform.h"
#include "cli/talk.h"
#include "host/cleanup.h"
#include "host/parse.h"

#define NUMBER_MAX 10000u

int query_add(struct query *q, const char *name, const char *value,
	      struct err *e)
{
	AUTO_FREE char *code = talk_encode(value);
	size_t room = sizeof(q->text) - q->len;
	int n;

	if (!code)
		return err_set(e, ENOMEM, "out of memory");
	n = snprintf(q->text + q->len, room, "%c%s=%s", q->len ? '&' : '?',
		     name, code);
	if ((size_t)n >= room)
		return err_set(e, E2BIG, "the %s asked for is too long", name);
	q->len += (size_t)n;
	return 0;
}

int query_add_number(struct query *q, const char *name, const char *value,
		     struct err *e)
{
	uint64_t n;

	if (!parse_number(&n, value, 1, NUMBER_MAX))
		return err_set(e, EINVAL,
			       "--%s %s is not a number from 1 to %u", name,
			       value, NUMBER_MAX);
	return query_add(q, name, value, e);
}

int query_add_time(struct query *q, const char *name, const char *value,
		   struct err *e)
{
	char number[24];
	uint64_t ms;
	int r = platform_since(&ms, value, e);

	if (r < 0)
		return r;
	snprintf(number, sizeof(number), "%" PRIu64, ms);
	return query_add(q, name, number, e);
}
