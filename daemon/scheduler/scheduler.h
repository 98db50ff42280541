/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which request gets which instance, and how many instances there are: pure
 * decisions. No I/O and no clock; what is to be done is done by the caller's
 * struct sched_ops, what happened is told by calls with the time.
 *
 * One pool for each version. Invariants (tests/unit/t_scheduler.c runs a
 * seeded simulation against them): a request that was submitted is assigned
 * or refused, once; in a pool, in the order of submission; an instance never
 * has more than `concurrency` requests, and one for a pristine request never
 * had another; there are never more instances than max_instances of a pool,
 * and of all pools than the machine's limits.
 */
#ifndef DAEMON_SCHEDULER_SCHEDULER_H
#define DAEMON_SCHEDULER_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/list.h"

struct sched;
struct sched_pool;

enum sched_state {
	SCHED_STARTING, /* also: is being reset */
	SCHED_READY, /* has no request */
	SCHED_BUSY,
	SCHED_STOPPING, /* gets no more requests */
};

struct sched_instance {
	struct list node; /* in one of the pool's lists */
	struct sched_pool *pool;
	enum sched_state state;
	uint32_t in_flight;
	bool evicted; /* STOPPING, for the room it takes */
	uint64_t since_ns; /* of the state */
};

struct sched_request {
	struct list node; /* in the pool's queue */
	struct sched_pool *pool;
	struct sched_instance *instance; /* NULL: waits */
	uint64_t submitted_ns;
};

enum sched_refusal {
	SCHED_POOL_FULL, /* too many wait for this version */
	SCHED_ALL_FULL, /* too many wait in all */
	SCHED_FAILING, /* instances fail to start, again and again */
	SCHED_TOO_LATE, /* no instance in time */
	SCHED_REMOVED, /* the version is drained or removed */
};

enum sched_stop {
	SCHED_STOP_IDLE,
	SCHED_STOP_EVICTED, /* memory is short */
	SCHED_STOP_DRAINED, /* the version goes */
	SCHED_STOP_BROKEN, /* it misbehaved */
	SCHED_STOP_USED, /* it served its one request */
};

/* What the scheduler wants; none of these may call back at once, except
 * that start() may return NULL: the instance could not be begun. */
struct sched_ops {
	struct sched_instance *(*start)(void *ctx, struct sched_pool *p);
	void (*stop)(void *ctx, struct sched_instance *i, enum sched_stop why);
	/* Makes it pristine again; sched_ready or sched_gone follow. */
	void (*recycle)(void *ctx, struct sched_instance *i);
	void (*assign)(void *ctx, struct sched_request *r);
	void (*refuse)(void *ctx, struct sched_request *r,
		       enum sched_refusal why, uint64_t retry_after_ns);
};

struct sched_limits {
	uint32_t instances_max; /* of all pools */
	uint32_t queue_max; /* waiting requests of all pools */
	uint64_t memory_bytes; /* of all instances; 0: no limit */
	uint32_t spares_max; /* ready for requests that have not come, of a
			      * pool: more than the CPUs can use is waste */
};

struct sched_pool_config {
	bool pristine; /* an instance for each request */
	bool recycles; /* used instances can be reset */
	uint32_t concurrency;
	uint32_t min_instances, max_instances, queue_max;
	uint64_t memory_bytes; /* of an idle instance, an estimate */
	uint64_t keep_ns; /* without requests */
	uint64_t start_ns; /* longest wait of a request */
};

int sched_new(struct sched **ret, const struct sched_ops *ops, void *ctx,
	      const struct sched_limits *limits);
void sched_free(struct sched *s);

/* NULL if memory is short. `owner` is the caller's. Instances that always
 * are there begin at the next sched_tick. */
struct sched_pool *
sched_pool_new(struct sched *s, const struct sched_pool_config *c, void *owner);
void *sched_pool_owner(const struct sched_pool *p);
/* From the next sched_tick on. */
void sched_pool_set_min(struct sched_pool *p, uint32_t min_instances);
/* No new requests, instances end as they become idle. */
void sched_pool_drain(struct sched_pool *p, uint64_t now_ns);
/* Only when it is drained and empty (sched_pool_empty). */
bool sched_pool_empty(const struct sched_pool *p);
void sched_pool_free(struct sched_pool *p);

void sched_submit(struct sched_pool *p, struct sched_request *r,
		  uint64_t now_ns);
/* Of one that waits. */
void sched_cancel(struct sched_request *r);
/* Of one that was assigned. `broken`: its instance is not to be used again. */
void sched_done(struct sched_request *r, bool broken, uint64_t now_ns);

/* An instance that was started or recycled can serve. */
void sched_ready(struct sched_instance *i, uint64_t now_ns);
/* It has ended, for whatever reason, and is the caller's to free. Requests
 * that it had were detached (r->instance is NULL) by the caller's doing:
 * they count as done. `failed`: it never became ready. */
void sched_gone(struct sched_instance *i, bool failed, uint64_t now_ns);

/* An operator wants its end. */
void sched_stop_one(struct sched_instance *i, enum sched_stop why,
		    uint64_t now_ns);

/* Memory is short: ends idle instances, the least recently used first, until
 * `bytes` by estimate are free. Returns how many. */
uint32_t sched_evict(struct sched *s, uint64_t bytes, uint64_t now_ns);

/* What is due by now. Returns when something is due next; UINT64_MAX: never. */
uint64_t sched_tick(struct sched *s, uint64_t now_ns);

struct sched_counts {
	uint32_t starting, ready, busy, stopping, waiting;
	uint64_t oldest_ns; /* when the first of those that wait came */
	bool failing; /* in a crash loop */
	uint64_t retry_at_ns; /* when failing: the next attempt */
};
void sched_pool_counts(const struct sched_pool *p, struct sched_counts *ret);

#endif
