/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The broker of outbound connections: what a jailed monitor asks for is
 * checked against the policy and, if allowed, begun here; the monitor gets
 * the socket. Never waits for anything.
 */
#ifndef LAUNCH_EGRESS_H
#define LAUNCH_EGRESS_H

#include <stdbool.h>

#include "abi/ctl.h"
#include "launch/egress_policy.h"
#include "launch/name_servers.h"

struct egress;

/* policy and servers outlive it; servers that are none become the host's. */
int egress_new(struct egress **ret, struct egress_policy *policy,
	       struct name_servers *servers, struct err *e);
void egress_free(struct egress *g); /* NULL is fine */

/* For poll(): readable when egress_serve has something to do. */
int egress_fd(const struct egress *g);
void egress_serve(struct egress *g);

/* Answers a monitor's request over its control socket. False if the policy
 * does not allow it. */
bool egress_connect(struct egress *g, int ctl, const struct mf_ctl_connect *q);

#endif
