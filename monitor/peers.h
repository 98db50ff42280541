/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has sent a datagram to a published UDP port. A guest may answer, it may
 * not send to whom it likes: that would be outbound traffic. The table is a
 * cache; when two peers fall into one slot the later one stays, and a reply to
 * the other is refused.
 */
#ifndef MONITOR_PEERS_H
#define MONITOR_PEERS_H

#include <stdbool.h>

#include "abi/ring.h"

#define PEERS_SLOTS 1024u

struct peers {
	struct mf_endpoint slot[PEERS_SLOTS];
};

void peers_note(struct peers *p, const struct mf_endpoint *e);
bool peers_known(const struct peers *p, const struct mf_endpoint *e);

#endif
