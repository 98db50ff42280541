/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of declared routes: sorted by length of the path, searched from
 * the longest. Whoever changes functions makes a new one.
 */
#include "daemon/registry/route.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/cleanup.h"

#define HOST_MAX 253u

static bool host_ok(const char *host, size_t len)
{
	if (len > HOST_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)host[i];

		if (!islower(c) && !isdigit(c) && c != '-' && c != '.')
			return false;
		if (c == '.' && (i == 0 || i + 1 == len || host[i - 1] == '.'))
			return false;
	}
	return true;
}

static bool path_ok(const char *path)
{
	const char *p;

	for (p = path; *p > ' ' && *p <= '~'; p++) {
		if (strchr("?#%\\", *p) || (p[0] == '/' && p[1] == '/'))
			return false;
		if (p[0] == '/' && p[1] == '.')
			return false;
	}
	return !*p;
}

bool route_check(const char *text)
{
	const char *slash = strchr(text, '/');

	return slash && host_ok(text, (size_t)(slash - text)) && path_ok(slash);
}

static struct route_entry entry_of(const char *text, struct function *f)
{
	struct route_entry entry = { .host = text, .function = f };

	entry.path = strchr(text, '/');
	entry.host_len = (size_t)(entry.path - text);
	entry.path_len = strlen(entry.path);
	if (entry.path[entry.path_len - 1] == '/')
		entry.path_len--;
	return entry;
}

int route_table_add(struct route_table *t, const char *text, struct function *f)
{
	struct route_entry *more;
	size_t room = t->room ? 2 * t->room : 16;

	if (t->count == t->room) {
		more = reallocarray(t->entries, room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		t->entries = more;
		t->room = room;
	}
	t->entries[t->count++] = entry_of(text, f);
	return 0;
}

static int longer_first(const void *a, const void *b)
{
	const struct route_entry *x = a, *y = b;

	return x->path_len < y->path_len ? 1 :
	       x->path_len > y->path_len ? -1 :
					   0;
}

void route_table_sort(struct route_table *t)
{
	if (t->count > 1)
		qsort(t->entries, t->count, sizeof(*t->entries), longer_first);
}

static bool same_host(const struct route_entry *e, const char *host, size_t len)
{
	return e->host_len == len && memcmp(e->host, host, len) == 0;
}

const struct route_entry *route_table_clash(const struct route_table *t,
					    const char *text,
					    const struct function *f)
{
	struct route_entry want = entry_of(text, NULL);

	for (size_t i = 0; i < t->count; i++) {
		const struct route_entry *e = &t->entries[i];

		if (e->function != f && e->path_len == want.path_len &&
		    same_host(e, want.host, want.host_len) &&
		    memcmp(e->path, want.path, want.path_len) == 0)
			return e;
	}
	return NULL;
}

struct function *route_table_find(const struct route_table *t, const char *host,
				  const char *path)
{
	size_t host_len = strlen(host), path_len = strlen(path);

	for (size_t i = 0; i < t->count; i++) {
		const struct route_entry *e = &t->entries[i];

		if (same_host(e, host, host_len) && e->path_len <= path_len &&
		    memcmp(e->path, path, e->path_len) == 0 &&
		    (path[e->path_len] == '/' || !path[e->path_len]))
			return e->function;
	}
	return NULL;
}

void route_table_fini(struct route_table *t)
{
	free(take_ptr(t->entries));
	t->count = t->room = 0;
}
