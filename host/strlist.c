/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of strings. They grow by doubling, always with room for the NULL.
 */
#include "host/strlist.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/cleanup.h"

/* Room for one more and the NULL behind it. */
static int grow(struct strlist *l)
{
	size_t room = l->room ? 2 * l->room : 8;
	char **items;

	if (l->count + 2 <= l->room)
		return 0;
	items = reallocarray(l->items, room, sizeof(*items));
	if (!items)
		return -ENOMEM;
	l->items = items;
	l->room = room;
	return 0;
}

int strlist_take(struct strlist *l, char *text)
{
	if (!text || grow(l) < 0) {
		free(text);
		return -ENOMEM;
	}
	l->items[l->count++] = text;
	l->items[l->count] = NULL;
	return 0;
}

int strlist_add(struct strlist *l, const char *text)
{
	return strlist_take(l, strdup(text));
}

bool strlist_has(const struct strlist *l, const char *text)
{
	size_t i;

	for (i = 0; i < l->count; i++) {
		if (strcmp(l->items[i], text) == 0)
			return true;
	}
	return false;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strlist_sort(struct strlist *l)
{
	if (l->count > 1)
		qsort(l->items, l->count, sizeof(*l->items), compare);
}

void strlist_cut(struct strlist *l, size_t count)
{
	while (l->count > count) {
		free(l->items[--l->count]);
		l->items[l->count] = NULL;
	}
}

void strlist_fini(struct strlist *l)
{
	strlist_cut(l, 0);
	free(take_ptr(l->items));
	l->count = l->room = 0;
}
