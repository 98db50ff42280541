/* SPDX-License-Identifier: Apache-2.0 */
/* A list of strings that it owns. An empty one is all zero. */
#ifndef HOST_STRLIST_H
#define HOST_STRLIST_H

#include <stdbool.h>
#include <stddef.h>

struct strlist {
	char **items; /* count of them, then NULL; or NULL if empty */
	size_t count;
	size_t room; /* private */
};

/* Adds a copy. 0 or -ENOMEM. */
int strlist_add(struct strlist *l, const char *text);
/* Takes over malloc'd text, also on failure; NULL is -ENOMEM. */
int strlist_take(struct strlist *l, char *text);
bool strlist_has(const struct strlist *l, const char *text);
/* Drops what is behind the first `count`. */
void strlist_cut(struct strlist *l, size_t count);
/* In the order of bytes. */
void strlist_sort(struct strlist *l);
void strlist_fini(struct strlist *l);

#define AUTO_STRLIST __attribute__((cleanup(strlist_fini)))

#endif
