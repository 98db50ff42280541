/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between those who have a request (gateway, probes, invocations of the API)
 * and the instances that answer: requests wait here, in order, for an
 * instance of their version. The scheduler decides, this starts, resets and
 * ends instances accordingly, and writes the ledger.
 *
 * Life of a request: dispatch_submit, then exactly one of
 *
 *	refused()	it will not be answered; the request is the caller's
 *			again
 *	assigned()	`instance` is its; dispatch_done gives it back
 *
 * or dispatch_cancel by the caller, before either. After assigned(), ended()
 * comes once if the instance ends before dispatch_done: `instance` stays
 * valid until that, its sockets may still hold bytes of the answer.
 */
#ifndef DAEMON_DISPATCH_H
#define DAEMON_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/ctl.h"
#include "daemon/registry/registry.h"
#include "daemon/scheduler/scheduler.h"
#include "host/strlist.h"
#include "lib/list.h"

#define REQUEST_ID_MAX 64u /* bytes, without the NUL */

struct dispatch;
struct instance;

/* Who summoned the instance; a word of the ledger. */
enum trigger {
	TRIGGER_HTTP, /* the gateway */
	TRIGGER_INVOKE, /* the API */
	TRIGGER_PROBE, /* readiness or liveness */
	TRIGGER_POOL, /* nobody yet: made ahead */
};

/* How an instance ended, for 502s and the ledger. */
struct instance_end {
	enum mf_exit_reason reason; /* of the monitor, 0 if it said none */
	uint32_t status; /* wait status of the program, if FINISHED/SIGNAL */
	const char *why; /* one sentence */
};

struct dispatch_request {
	/* Set by the caller before dispatch_submit. */
	struct version *version; /* the caller holds a reference */
	enum trigger trigger;
	char id[REQUEST_ID_MAX + 1]; /* of the request, for logs and ledger */
	uint64_t arrived_ns; /* loop_now_ns */
	/* Mode stdio: the program's variables beside the version's, until
	 * assigned() or refused(). NULL: none. */
	const struct strlist *env;
	void (*assigned)(struct dispatch_request *r);
	/* `status`: 429, 502, 503 or 504; retry_after_s 0: do not say. */
	void (*refused)(struct dispatch_request *r, int status,
			uint32_t retry_after_s, const char *why);
	void (*ended)(struct dispatch_request *r,
		      const struct instance_end *end);

	struct instance *instance; /* from assigned() to dispatch_done() */
	/* private */
	struct sched_request sched;
	struct list node; /* in the instance's requests */
	uint64_t assigned_ns;
	bool told_end;
};

/*
 * A connection to an instance that nobody uses, embedded in a structure of
 * whoever made it, who goes on to watch it: one that the instance closes is
 * taken out by list_del(&link->node).
 */
struct instance_link {
	struct list node; /* in the instance's list */
	/* The instance goes; it is out of the list. Must not call back. */
	void (*drop)(struct instance_link *l);
};

/* How it went, as far as the caller knows. */
struct dispatch_outcome {
	uint16_t status; /* of the answer; 0: none, the client went away */
	uint64_t bytes_in, bytes_out; /* bodies, whoever answered */
	/* The instance misbehaved (no answer in time, garbage): it must not
	 * serve others. */
	bool broken;
	/* The answer was not read to its end. The instance may not have taken
	 * the connection yet, which its next life must not get: isolation
	 * request ends it, where it would be reset. */
	bool given_up;
	/* Isolation reuse, mode http: the connection that was used, to be
	 * kept by the instance for the next request; or NULL. */
	struct instance_link *keep;
};

void dispatch_submit(struct dispatch *d, struct dispatch_request *r);
void dispatch_cancel(struct dispatch *d, struct dispatch_request *r);
void dispatch_done(struct dispatch *d, struct dispatch_request *r,
		   const struct dispatch_outcome *o);

/* "boot", "copy", "again": how its instance began, if it summoned one; NULL:
 * that was ready. Of one that was assigned. */
const char *dispatch_start_kind(const struct dispatch_request *r);
/* Mode http: the link that was kept last, out of the list; NULL: none. */
struct instance_link *instance_take_link(struct instance *i);
/*
 * Mode http: a new connection to the instance, non-blocking, the caller's.
 * -EAGAIN if its queue of connections is full, another -errno if it is gone.
 */
int instance_connect(struct instance *i);
/* Mode stdio: the ends of its standard input and output, the caller's. */
void instance_stdio(struct instance *i, int *ret_in, int *ret_out);
/* 32 hex digits. */
const char *instance_id(const struct instance *i);

/* ---- for who runs the platform ------------------------------------------- */

struct loop;
struct logs;
struct ledger;
struct metrics;
struct vms;

struct dispatch_config {
	struct loop *loop;
	struct logs *logs;
	struct ledger *ledger;
	struct metrics *metrics;
	struct vms *vms;
	const char *sockets_dir; /* private, of short-lived sockets; emptied */
	/* A stream to whoever answers for functions, for the requests of an
	 * instance of `caller`; the callee's, or -errno. NULL: nobody does. */
	int (*open_functions)(void *arg, struct version *caller);
	void *open_arg;
	struct sched_limits limits;
	uint64_t drain_ms; /* for requests under way, of what is removed */
	uint32_t shells; /* machines made ahead */
	bool no_kvm; /* the process substrate, in any case */
};

int dispatch_new(struct dispatch **ret, const struct dispatch_config *c,
		 struct err *e);
/* What still runs is killed. NULL is fine. */
void dispatch_free(struct dispatch *d);
/* Nothing new begins; done() when no instance is left. */
void dispatch_drain(struct dispatch *d, void (*done)(void *arg), void *arg);

/*
 * Opens what its instances need. `live`: requests come to it by an alias, so
 * that those instances that always are there are wanted.
 */
int dispatch_version_up(struct dispatch *d, struct version *v, bool live,
			struct err *e);
/* Takes away what was removed, and what is live no more keeps nothing: after
 * dispatch_version_up of all that are. */
void dispatch_versions_changed(struct dispatch *d);
/* All zero if it has no pool. */
void dispatch_counts(const struct version *v, struct sched_counts *ret);
/* Whether its instances may call that function, by its egress rules. */
bool dispatch_may_call(const struct version *caller, const char *function);
/* Why its instances fail; "" if none did. Borrowed. */
const char *dispatch_failure(const struct version *v);
/* kvm or process: what new snapshots are to be for. */
enum mf_substrate dispatch_substrate(const struct dispatch *d);
/* The host is short of memory: idle instances end. */
void dispatch_relieve(struct dispatch *d, uint64_t bytes);

struct instance_info {
	const char *id, *function, *state, *substrate, *how;
	uint32_t version, in_flight;
	uint64_t served, age_ms;
	int pid; /* of the monitor; 0: not known */
};
void dispatch_each(struct dispatch *d,
		   void (*tell)(void *arg, const struct instance_info *info),
		   void *arg);
/* Ends the instance whose id begins so. 0, -ENOENT, or -EEXIST: several. */
int dispatch_stop_instance(struct dispatch *d, const char *id_prefix);

#endif
