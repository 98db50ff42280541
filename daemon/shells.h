/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Monitors with an empty machine, made before a request needs them. There are
 * a few of them for all functions; one that is taken is replaced.
 */
#ifndef DAEMON_SHELLS_H
#define DAEMON_SHELLS_H

#include "daemon/vm.h"
#include "lib/list.h"

#define SHELLS_MAX 64u

struct shells {
	struct loop *loop;
	struct vms *vms;
	struct list ready, starting;
	uint32_t ready_count, starting_count, wanted;
	uint32_t failures; /* in a row */
	struct loop_timer retry;
	struct loop_task refill;
	enum mf_substrate substrate;
	int kvm_fd; /* borrowed, or -1 */
};

struct shells_config {
	struct vms *vms;
	uint32_t wanted; /* at most SHELLS_MAX */
	int kvm_fd; /* -1: of the process substrate */
};

void shells_init(struct shells *s, struct loop *l,
		 const struct shells_config *c);
void shells_fini(struct shells *s);
/* One that is ready; NULL if there is none of that substrate. */
struct vm *shells_take(struct shells *s, enum mf_substrate substrate);

#endif
