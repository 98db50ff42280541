/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts a monitor: binds the published ports, opens what the substrate
 * needs, spawns mayfly-monitor and hands everything over in one message of
 * abi/ctl.h.
 */
#ifndef LAUNCH_LAUNCH_H
#define LAUNCH_LAUNCH_H

#include <sys/types.h>

#include "abi/ctl.h"
#include "host/err.h"
#include "image/image.h"
#include "launch/egress.h"
#include "launch/options.h"

struct launch {
	pid_t pid; /* of the monitor; 0: not started, or waited for */
	bool adopts; /* processes that the monitor leaves become ours */
	int ctl; /* our end of the control socket, or -1 */
	enum mf_substrate substrate; /* KVM or PROCESS */
	int kvm_fd; /* or -1 */
	int port_fds[MF_PORTS_MAX];
	uint32_t port_count;
	struct egress *egress; /* or NULL */
	bool shell; /* the monitor has its machine already */
	char name[64]; /* of the instance, known when it was sent */
};

/* Everything that can fail because of what the user asked for. */
int launch_prepare(struct launch *ret, struct run_options *o,
		   const struct image *img, struct err *e);
int launch_spawn(struct launch *l, const char *monitor_path, struct err *e);
/* Processes that a monitor leaves become ours, if nothing speaks against it. */
void launch_adopt_orphans(struct launch *l);
/*
 * One more monitor, cheap however many descriptors we have. Descriptor
 * MF_CTL_FD of ours is used for that, and is /dev/null afterwards, as
 * standard input has to be.
 */
int launch_spawn_next(pid_t *ret_pid, int *ret_ctl, const char *monitor_path,
		      struct err *e);
/*
 * Has the monitor make its machine and wait; launch_send fills it later, with
 * a copy of the snapshot that has these facts.
 */
int launch_send_shell(struct launch *l, const struct mf_snapshot_facts *f,
		      struct err *e);
int launch_send(struct launch *l, const struct run_options *o,
		const struct image *img, struct err *e);
/* A kept monitor that waits: its copy begins again, with the name
 * and the variables of the options (NULL: neither). */
int launch_send_again(struct launch *l, const struct run_options *o,
		      struct err *e);
/*
 * Waits until the monitor says `kind`. An end that was not asked for, or an
 * MF_EV_TOUCHED that says why not, is an error: a sentence about "it".
 */
int launch_wait_event(const struct launch *l, enum mf_event_kind kind,
		      int timeout_ms, struct err *e);
/* Kills the monitor if it still runs, waits for it, closes everything. */
void launch_fini(struct launch *l);

#define AUTO_LAUNCH __attribute__((cleanup(launch_fini)))

#endif
