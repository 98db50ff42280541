/* SPDX-License-Identifier: Apache-2.0 */
/* The spawner's work: requests of mayflyd, and the ends of instances. */
#ifndef SPAWNER_SERVE_H
#define SPAWNER_SERVE_H

#include "spawner/child.h"

struct serve_config {
	int monitor; /* the program, opened; close-on-exec */
	struct uid_range uids;
	char oom_score[16]; /* of an instance, or empty */
	struct groups *groups;
	const struct err *why; /* no cgroups, if there are none */
};

/*
 * Until mayflyd closes its end: 0, or an error if it broke the protocol. What
 * was started is dead then.
 */
int serve(const struct serve_config *c, struct err *e);

#endif
