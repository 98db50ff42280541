/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What dispatch, its instances and its shells share; daemon/dispatch.h is for
 * all others.
 */
#ifndef DAEMON_DISPATCH_PRIVATE_H
#define DAEMON_DISPATCH_PRIVATE_H

#include "daemon/dispatch.h"
#include "daemon/instance.h"
#include "daemon/ledger/ledger.h"
#include "daemon/metrics/metrics.h"
#include "daemon/shells.h"

struct pool {
	struct list node; /* in dispatch's pools */
	struct dispatch *dispatch;
	struct version *version; /* a reference */
	struct plan plan;
	struct sched_pool *sched;
	uint32_t instances; /* that refer to this */
	bool live; /* an alias leads here; set anew with each change */
	struct loop_timer too_late; /* when it is down: to finish requests */
	bool down; /* goes when the last of them is gone */
	struct instance *asking; /* for an outbound connection; or NULL */
	enum trigger last_trigger;
	char last_failure[512]; /* why an instance failed to start */
};

struct dispatch {
	struct loop *loop;
	struct logs *logs;
	struct ledger *ledger;
	struct metrics *metrics;
	struct vms *vms;
	struct sched *sched;
	struct shells shells;
	struct list pools, instances;
	struct loop_timer tick;
	struct loop_task tick_soon;
	struct metrics_source source;
	int (*open_functions)(void *arg, struct version *caller);
	void *open_arg;
	int kvm_fd; /* or -1 */
	int sockets_fd; /* directory */
	uint64_t sockets_made;
	bool draining; /* everything ends */
	uint64_t drain_ns; /* for requests under way, of what is removed */
	void (*drained)(void *arg);
	void *drained_arg;
};

extern const struct sched_ops dispatch_ops;
void dispatch_tick_soon(struct dispatch *d);
void dispatch_on_tick(struct loop_timer *t);
void dispatch_on_tick_soon(struct loop_task *t);

/* The pool of a version, made if there is none yet; NULL and *e. */
struct pool *dispatch_pool(struct dispatch *d, struct version *v,
			   struct err *e);

/* Frees what was waited for. */
void dispatch_sweep(struct dispatch *d);
const char *instance_how(const struct instance *i);

/* An instance tells: a life begins, has ended. */
void dispatch_born(struct instance *i);
void dispatch_died(struct instance *i);
/* Its program waits for work, life.phase_us is known. */
void dispatch_started(struct instance *i);
/* It can have requests; now, or at the end of this round. */
void dispatch_ready(struct instance *i);
void dispatch_ready_later(struct instance *i);
/* It is no more, for the scheduler. */
void dispatch_over(struct instance *i);
/* Nothing refers to it any more. */
void dispatch_forget(struct instance *i);
/* It does not answer any more: it ends, its requests with it. */
void dispatch_unhealthy(struct instance *i, const char *why);
void dispatch_connect(struct instance *i, const struct mf_ctl_connect *q);

#endif
