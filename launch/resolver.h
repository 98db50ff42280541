/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name server that a guest sees: forwards questions about names that the
 * policy knows, answers the others itself, and tells the policy which
 * addresses an allowed name means. Bounded, and never waits.
 */
#ifndef LAUNCH_RESOLVER_H
#define LAUNCH_RESOLVER_H

#include "launch/egress_policy.h"
#include "launch/name_servers.h"

struct resolver;

/*
 * The resolver's sockets join epoll_fd, with data.u32 for resolver_event.
 * policy and servers outlive it. 0 or -errno.
 */
int resolver_new(struct resolver **ret, int epoll_fd,
		 struct egress_policy *policy,
		 const struct name_servers *servers);
void resolver_free(struct resolver *r); /* NULL is fine */

/* A socket on which a guest may ask; the caller owns it. Or -errno. */
int resolver_open_flow(struct resolver *r);

/* Something happened to the socket with this tag. */
void resolver_event(struct resolver *r, uint32_t tag);

#endif
