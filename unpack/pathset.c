/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open addressing, at most half full. Nothing is ever removed but all of it
 * at once, so there are no tombstones.
 */
#include "unpack/pathset.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/cleanup.h"

#define SLOTS_MIN 64u

void pathset_init(struct pathset *s)
{
	*s = (struct pathset){ 0 };
	randombytes_buf(s->key, sizeof(s->key));
}

/* The slot of the path, or the free one where it belongs. */
static size_t find(const struct pathset *s, const char *path)
{
	uint64_t hash;
	size_t i;

	crypto_shorthash((unsigned char *)&hash, (const unsigned char *)path,
			 strlen(path), s->key);
	i = hash & (s->slot_count - 1);
	while (s->slots[i] && strcmp(s->slots[i], path) != 0)
		i = (i + 1) & (s->slot_count - 1);
	return i;
}

static int grow(struct pathset *s)
{
	struct pathset bigger = *s;
	size_t i;

	bigger.slot_count = s->slot_count ? 2 * s->slot_count : SLOTS_MIN;
	bigger.slots = calloc(bigger.slot_count, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (i = 0; i < s->slot_count; i++) {
		if (s->slots[i])
			bigger.slots[find(&bigger, s->slots[i])] = s->slots[i];
	}
	free(s->slots);
	*s = bigger;
	return 0;
}

int pathset_add(struct pathset *s, const char *path)
{
	AUTO_FREE char *copy = NULL;
	size_t i;

	if (2 * s->count >= s->slot_count && grow(s) < 0)
		return -ENOMEM;
	i = find(s, path);
	if (s->slots[i])
		return 0;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	s->slots[i] = take_ptr(copy);
	s->count++;
	return 1;
}

bool pathset_has(const struct pathset *s, const char *path)
{
	return s->count > 0 && s->slots[find(s, path)] != NULL;
}

void pathset_clear(struct pathset *s)
{
	size_t i;

	for (i = 0; i < s->slot_count; i++)
		free(s->slots[i]);
	free(s->slots);
	s->slots = NULL;
	s->slot_count = s->count = 0;
}
