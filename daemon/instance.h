/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An instance: one life of a program, or several one after another, each with
 * an identity of its own, where a used copy is reset. Private to dispatch;
 * the gateway sees what daemon/dispatch.h shows.
 *
 * References: one of the monitor, until it is gone, and one of each request
 * that it serves.
 */
#ifndef DAEMON_INSTANCE_H
#define DAEMON_INSTANCE_H

#include "daemon/dispatch.h"
#include "daemon/liveness.h"
#include "daemon/logs/logs.h"
#include "daemon/plan.h"
#include "daemon/vm.h"
#include "launch/crash_text.h"

#define INSTANCE_ID_SIZE 33u /* 32 digits and a NUL */

/* What a life has cost and how it went, until it is in the ledger. */
struct life {
	char id[INSTANCE_ID_SIZE];
	uint64_t born_ns; /* monotonic */
	uint64_t ready_ns; /* 0: not yet */
	uint64_t phase_us[MF_PHASE_COUNT]; /* of its start, when ready */
	uint64_t served; /* requests */
	enum trigger trigger;
	bool again; /* of an instance that was reset */
	bool begun; /* the ledger knows of it */
};

struct instance {
	struct sched_instance sched;
	struct dispatch *dispatch;
	struct pool *pool;
	struct plan *plan;
	struct vm *vm; /* NULL: gone */
	unsigned refs;
	struct list node; /* in dispatch's list */
	struct list requests; /* struct dispatch_request, assigned */
	struct life life;
	char socket_name[20]; /* in the directory of sockets; empty: none */
	struct list links; /* struct instance_link, the last kept first */
	struct log_pipe out_log, err_log;
	char log_request[REQUEST_ID_MAX + 1]; /* whose lines they are; or "" */
	struct liveness liveness;
	struct loop_timer timer; /* of the start, then of the stop */
	uint32_t probe_ms; /* until the next attempt to connect */
	struct loop_task ready_soon;
	bool scheduled; /* the scheduler has it */
	bool limit_later; /* its cgroup knows of no function yet */
	bool told_ready; /* the scheduler knows */
	bool given_up; /* its socket may hold a connection for nobody */
	bool recycling; /* FINISH and the next start are sent ... */
	struct plan_identity next_id; /* ... whose identity this is */
	bool stopping; /* we ended it: stop_why */
	bool filled; /* mode stdio: it was given its program */
	bool over; /* the scheduler has it no more */
	bool failed; /* it ended before it could do anything */
	enum sched_stop stop_why;
	bool killed_by_operator;
	bool monitor_killed; /* by somebody else */
	bool timed_out; /* it did not become ready in time */
	struct mf_ctl_exit exit; /* of the life that ended */
	bool exited;
	char why[512];
	const char *note; /* why we ended it, if that is not plain; or NULL */
	char crash[CRASH_TEXT_MAX + BACKTRACE_TEXT_MAX]; /* "": none */
};

/* Its start is under way when this returns. */
int instance_new(struct instance **ret, struct dispatch *d, struct pool *p,
		 struct err *e);
/* Mode stdio: the program begins, for this request. */
int instance_fill(struct instance *i, const struct strlist *env, struct err *e);
void instance_recycle(struct instance *i);
void instance_stop(struct instance *i, enum sched_stop why);
void instance_ref(struct instance *i);
void instance_unref(struct instance *i);
void instance_keep(struct instance *i, struct instance_link *l);
/* Which request its output belongs to now. */
void instance_log_for(struct instance *i);

#endif
