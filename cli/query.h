/* SPDX-License-Identifier: Apache-2.0 */
/* The query of a request to mayflyd, from options of a command line. */
#ifndef CLI_QUERY_H
#define CLI_QUERY_H

#include <stddef.h>

#include "host/err.h"

#define QUERY_MAX 4096u /* bytes, with the NUL */

/* Zero it to begin. */
struct query {
	char text[QUERY_MAX]; /* "", or "?NAME=VALUE&..." */
	size_t len;
};

/*
 * Add `name`: its value as it is, as a number from 1 to 10,000 (for messages
 * `name` is the option's, too), or a time of platform_since() in ms. -E2BIG:
 * there is no room.
 */
int query_add(struct query *q, const char *name, const char *value,
	      struct err *e);
int query_add_number(struct query *q, const char *name, const char *value,
		     struct err *e);
int query_add_time(struct query *q, const char *name, const char *value,
		   struct err *e);

#endif
