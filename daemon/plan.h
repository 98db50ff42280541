/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all instances of a version have in common: its image and snapshot,
 * open and verified, the start message but for the identity, and the broker
 * of its outbound connections.
 */
#ifndef DAEMON_PLAN_H
#define DAEMON_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/registry/registry.h"
#include "host/err.h"
#include "host/loop.h"
#include "launch/egress.h"
#include "launch/options.h"
#include "launch/snapshot.h"
#include "launch/start_message.h"

struct plan {
	const struct version *version; /* borrowed */
	struct image image;
	struct snapshot snapshot; /* if `copies` */
	struct run_options options;
	struct start_message message; /* mode http; stdio: made each time */
	size_t short_len; /* of the message without the CPUID entries */
	enum mf_substrate substrate;
	int kvm_fd; /* borrowed, or -1 */
	bool copies; /* instances are copies of the snapshot, else boot */
	bool recycles; /* and can be reset */
	bool listens; /* they do from their first instruction on */
	struct egress *egress;
	struct loop_watch egress_watch;
};

/*
 * `kvm_fd` -1: there is none, which is an error if the snapshot needs it.
 * *ret stays where it is until plan_fini, which is fine after a failure.
 */
int plan_init(struct plan *ret, const struct version *v, struct loop *l,
	      int kvm_fd, struct err *e);
void plan_fini(struct plan *p);

/* The identity that an instance was given: 16 bytes. */
struct plan_identity {
	uint8_t id[16];
};

/*
 * Sends the start of one more instance to a monitor: `listen_fd` is its port,
 * or -1 in mode stdio; to a shell (which has /dev/kvm) if `shell`; `env` as
 * in struct dispatch_request.
 */
struct plan_start {
	int ctl;
	int listen_fd;
	bool shell;
	const struct strlist *env;
};
int plan_send(struct plan *p, const struct plan_start *s,
	      struct plan_identity *ret, struct err *e);
/* To a kept copy that was, or is being, reset. */
int plan_send_again(struct plan *p, int ctl, struct plan_identity *ret,
		    struct err *e);
/* An empty machine, of any version. */
int plan_send_shell(int ctl, int kvm_fd, struct err *e);

#endif
