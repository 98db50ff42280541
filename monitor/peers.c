/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A direct-mapped cache of endpoints. Endpoints are compared whole, so a
 * collision can refuse a reply but never allow a stranger.
 */
#include "monitor/peers.h"

#include <string.h>

static uint32_t peers_slot(const struct mf_endpoint *e)
{
	uint8_t bytes[sizeof(*e)];
	uint32_t hash = 2166136261u; /* FNV-1a */

	memcpy(bytes, e, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		hash = (hash ^ bytes[i]) * 16777619u;
	return (hash ^ (hash >> 16)) % PEERS_SLOTS;
}

void peers_note(struct peers *p, const struct mf_endpoint *e)
{
	p->slot[peers_slot(e)] = *e;
}

bool peers_known(const struct peers *p, const struct mf_endpoint *e)
{
	return !memcmp(&p->slot[peers_slot(e)], e, sizeof(*e));
}
