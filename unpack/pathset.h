/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of paths. Hashed with a secret key: whoever made the archive cannot
 * choose paths that collide.
 */
#ifndef UNPACK_PATHSET_H
#define UNPACK_PATHSET_H

#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>

struct pathset {
	char **slots; /* slot_count, a power of two; NULL: free */
	size_t slot_count;
	size_t count;
	unsigned char key[crypto_shorthash_KEYBYTES];
};

void pathset_init(struct pathset *s);
/* 1 if it is new, 0 if it was there, or -ENOMEM. */
int pathset_add(struct pathset *s, const char *path);
bool pathset_has(const struct pathset *s, const char *path);
void pathset_clear(struct pathset *s);

#endif
