/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Declared routes: [HOST]/PATH. A route takes the requests whose path is
 * PATH, or begins with PATH and a /; with a HOST only those to that host.
 * The function sees their path as it is.
 *
 * What wins: routes with a host, then NAME.localhost, then /fn/NAME[@ALIAS],
 * then routes without a host; of two routes the one with the longer path.
 */
#ifndef DAEMON_REGISTRY_ROUTE_H
#define DAEMON_REGISTRY_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

struct function;

/* Is it one? Host in lower case, no port; path without ?, # or //. */
bool route_check(const char *text);

/* Those of one kind of host, in the order in which they are tried. */
struct route_entry {
	const char *host; /* in text; host_len 0: any */
	size_t host_len;
	const char *path; /* ends with NUL, no / at the end */
	size_t path_len;
	struct function *function;
};

struct route_table {
	struct route_entry *entries;
	size_t count, room;
};

/* Texts are borrowed. 0, or -ENOMEM. */
int route_table_add(struct route_table *t, const char *text,
		    struct function *f);
void route_table_sort(struct route_table *t);
/* Another function's entry of the same host and path, or NULL. */
const struct route_entry *route_table_clash(const struct route_table *t,
					    const char *text,
					    const struct function *f);
/* `host` in lower case; "" looks for routes without one. */
struct function *route_table_find(const struct route_table *t, const char *host,
				  const char *path);
void route_table_fini(struct route_table *t);

#endif
