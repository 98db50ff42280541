/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler in a world made of one seeded generator: requests that come,
 * give up and end, instances that start, fail, crash and are reset, and a
 * clock. The invariants of daemon/scheduler/scheduler.h hold all the time.
 * T_SCHEDULER_SEED and T_SCHEDULER_STEPS choose another world.
 */
#include <stdlib.h>

#include "daemon/scheduler/scheduler.h"
#include "tests/unit/check.h"

#define POOLS	  4u
#define REQUESTS  400u
#define INSTANCES 64u
#define WORLDS	  40u
#define STEPS	  20000u
#define MS	  1000000ull

enum request_state { UNUSED, WAITS, SERVED };

struct request {
	struct sched_request sched;
	enum request_state state;
	uint64_t number; /* of its pool, in the order of submission */
	uint64_t done_at;
};

struct instance {
	struct sched_instance sched;
	bool used, ready, stopped, touched;
	uint64_t next_at; /* becomes ready, or is gone */
	uint32_t running;
};

struct pool {
	struct sched_pool *sched;
	struct sched_pool_config config;
	uint64_t submitted, last_assigned;
	uint32_t instances;
	bool drained;
};

static struct sched *sched;
static struct pool pools[POOLS];
static struct request requests[REQUESTS];
static struct instance instances[INSTANCES];
static uint64_t now_ns, answered, submitted, refused, started;
static uint32_t alive;
static bool calm; /* nothing fails by chance */
static const struct sched_limits limits = { .instances_max = 40,
					    .queue_max = 150,
					    .spares_max = 5 };

static uint32_t dice(uint32_t below)
{
	return (uint32_t)rand() % below;
}

static struct pool *pool_of(const struct sched_pool *p)
{
	return sched_pool_owner(p);
}

/* ---- what the scheduler wants -------------------------------------------- */

static struct sched_instance *op_start(void *ctx, struct sched_pool *sp)
{
	struct pool *p = pool_of(sp);

	(void)ctx;
	check(!p->drained);
	if (!calm && dice(50) == 0)
		return NULL;
	for (uint32_t k = 0; k < INSTANCES; k++) {
		struct instance *i = &instances[k];

		if (i->used)
			continue;
		*i = (struct instance){ .used = true };
		i->next_at = now_ns + dice(20) * MS;
		alive++;
		started++;
		p->instances++;
		check(alive <= limits.instances_max);
		check(p->instances <= p->config.max_instances);
		return &i->sched;
	}
	check(false);
	return NULL;
}

static void op_stop(void *ctx, struct sched_instance *si, enum sched_stop why)
{
	struct instance *i = container_of(si, struct instance, sched);

	(void)ctx;
	check(!i->stopped);
	check(why == SCHED_STOP_BROKEN || i->running == 0);
	i->stopped = true;
	i->next_at = now_ns + dice(10) * MS;
}

static void op_recycle(void *ctx, struct sched_instance *si)
{
	struct instance *i = container_of(si, struct instance, sched);

	(void)ctx;
	check_int(i->running, 0);
	i->ready = i->touched = false;
	i->next_at = now_ns + dice(3) * MS;
}

static void op_assign(void *ctx, struct sched_request *sr)
{
	struct request *r = container_of(sr, struct request, sched);
	struct instance *i = container_of(sr->instance, struct instance, sched);
	struct pool *p = pool_of(sr->pool);

	(void)ctx;
	check_int(r->state, WAITS);
	check(i->used && i->ready && !i->stopped);
	check(i->running < p->config.concurrency);
	if (p->config.pristine)
		check(!i->touched);
	check(r->number > p->last_assigned);
	p->last_assigned = r->number;
	r->state = SERVED;
	r->done_at = now_ns + dice(30) * MS;
	i->touched = true;
	i->running++;
}

static void op_refuse(void *ctx, struct sched_request *sr,
		      enum sched_refusal why, uint64_t retry_after_ns)
{
	struct request *r = container_of(sr, struct request, sched);
	struct sched_counts c;

	(void)ctx;
	(void)retry_after_ns;
	check_int(r->state, WAITS);
	r->state = UNUSED;
	refused++;
	sched_pool_counts(sr->pool, &c);
	switch (why) {
	case SCHED_POOL_FULL:
		check_int(c.waiting, pool_of(sr->pool)->config.queue_max);
		break;
	case SCHED_FAILING:
		check(c.failing);
		break;
	case SCHED_TOO_LATE:
		check(now_ns - sr->submitted_ns >=
		      pool_of(sr->pool)->config.start_ns);
		break;
	case SCHED_REMOVED:
		check(pool_of(sr->pool)->drained);
		break;
	case SCHED_ALL_FULL:
		break;
	}
}

static const struct sched_ops ops = {
	.start = op_start,
	.stop = op_stop,
	.recycle = op_recycle,
	.assign = op_assign,
	.refuse = op_refuse,
};

/* ---- the world ----------------------------------------------------------- */

static void submit(void)
{
	struct pool *p = &pools[dice(POOLS)];

	for (uint32_t k = 0; k < REQUESTS; k++) {
		struct request *r = &requests[k];

		if (r->state != UNUSED)
			continue;
		r->state = WAITS;
		r->number = ++p->submitted;
		submitted++;
		sched_submit(p->sched, &r->sched, now_ns);
		return;
	}
}

static void finish(struct request *r, bool broken)
{
	struct instance *i = NULL;

	if (r->sched.instance) {
		i = container_of(r->sched.instance, struct instance, sched);
		i->running--;
	}
	r->state = UNUSED;
	answered++;
	sched_done(&r->sched, broken, now_ns);
}

static void give_up(void)
{
	struct request *r = &requests[dice(REQUESTS)];

	if (r->state != WAITS)
		return;
	sched_cancel(&r->sched);
	r->state = UNUSED;
	answered++;
}

/* Its requests lose it first, as dispatch does. */
static void be_gone(struct instance *i, bool failed)
{
	struct pool *p = pool_of(i->sched.pool);

	for (uint32_t k = 0; k < REQUESTS; k++)
		if (requests[k].state == SERVED &&
		    requests[k].sched.instance == &i->sched)
			requests[k].sched.instance = NULL;
	i->used = false;
	alive--;
	p->instances--;
	sched_gone(&i->sched, failed, now_ns);
}

static void step_instance(struct instance *i)
{
	if (!i->used)
		return;
	if (i->stopped || !i->ready) {
		if (now_ns < i->next_at)
			return;
		if (i->stopped) {
			be_gone(i, false);
		} else if (!calm && dice(12) == 0) {
			be_gone(i, true);
		} else {
			i->ready = true;
			sched_ready(&i->sched, now_ns);
		}
	} else if (!calm && dice(2000) == 0) {
		be_gone(i, false);
	}
}

static void step_time(void)
{
	now_ns += dice(4) * MS + dice(1000);
	for (uint32_t k = 0; k < REQUESTS; k++)
		if (requests[k].state == SERVED &&
		    requests[k].done_at <= now_ns)
			finish(&requests[k], dice(40) == 0);
	for (uint32_t k = 0; k < INSTANCES; k++)
		step_instance(&instances[k]);
	check(sched_tick(sched, now_ns) > now_ns);
}

static void check_counts(void)
{
	uint32_t waiting = 0, all = 0;
	struct sched_counts c;

	for (uint32_t k = 0; k < POOLS; k++) {
		uint32_t here = 0;

		sched_pool_counts(pools[k].sched, &c);
		for (uint32_t q = 0; q < REQUESTS; q++)
			here += requests[q].state == WAITS &&
				requests[q].sched.pool == pools[k].sched;
		check_int(c.waiting, here);
		check(c.waiting <= pools[k].config.queue_max);
		check_int(c.starting + c.ready + c.busy + c.stopping,
			  pools[k].instances);
		waiting += c.waiting;
		all += pools[k].instances;
		/* Nobody waits beside an idle instance. */
		check(!c.waiting || !c.ready);
	}
	check(waiting <= limits.queue_max);
	check_int(all, alive);
}

static void make_pools(void)
{
	for (uint32_t k = 0; k < POOLS; k++) {
		pools[k] = (struct pool){ 0 };
		pools[k].config = (struct sched_pool_config){
			.pristine = k % 2,
			.recycles = k == 1,
			.concurrency = k % 2 ? 1 : 1 + dice(4),
			.min_instances = dice(3),
			.max_instances = 3 + dice(20),
			.queue_max = 10 + dice(100),
			.memory_bytes = 1,
			.keep_ns = dice(4) * 100 * MS,
			.start_ns = (50 + dice(200)) * MS,
		};
		pools[k].sched =
			sched_pool_new(sched, &pools[k].config, &pools[k]);
		check(pools[k].sched != NULL);
	}
}

/* Arrivals stop, everything is drained, and nothing may be left. */
static void come_to_an_end(void)
{
	for (uint32_t k = 0; k < POOLS; k++) {
		pools[k].drained = true;
		sched_pool_drain(pools[k].sched, now_ns);
	}
	for (uint32_t k = 0; k < 1000 && alive; k++)
		step_time();
	step_time();
	check_int(alive, 0);
	for (uint32_t k = 0; k < REQUESTS; k++)
		if (requests[k].state == SERVED)
			finish(&requests[k], false);
	check_int(submitted, answered + refused);
	for (uint32_t k = 0; k < POOLS; k++) {
		check(sched_pool_empty(pools[k].sched));
		sched_pool_free(pools[k].sched);
	}
}

static uint32_t from_env(const char *name, uint32_t otherwise)
{
	const char *text = getenv(name);

	return text ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

static void run_world(uint32_t seed)
{
	uint32_t steps = from_env("T_SCHEDULER_STEPS", STEPS);

	srand(seed);
	memset(requests, 0, sizeof(requests));
	memset(instances, 0, sizeof(instances));
	now_ns = 1;
	submitted = answered = refused = 0;
	alive = 0;
	check_int(sched_new(&sched, &ops, NULL, &limits), 0);
	make_pools();
	for (uint32_t k = 0; k < steps; k++) {
		uint32_t what = dice(100);

		if (what < 60)
			submit();
		else if (what < 62)
			give_up();
		else if (what < 63)
			sched_evict(sched, dice(3), now_ns);
		else
			step_time();
		check_counts();
	}
	come_to_an_end();
	sched_free(sched);
	check(submitted > steps / 4 && answered > steps / 20);
}

static void test_worlds(void)
{
	uint32_t seed = from_env("T_SCHEDULER_SEED", 1);

	for (uint32_t k = 0; k < WORLDS; k++)
		run_world(seed + k);
}

/* Room is what others keep ready for nobody: it is given up once, for good. */
static void test_room_goes_to_who_waits(void)
{
	const struct sched_limits two = { .instances_max = 2,
					  .queue_max = 10,
					  .spares_max = 4 };
	uint64_t made;

	srand(3);
	calm = true;
	memset(requests, 0, sizeof(requests));
	memset(instances, 0, sizeof(instances));
	now_ns = 1;
	submitted = answered = refused = 0;
	alive = 0;
	check_int(sched_new(&sched, &ops, NULL, &two), 0);
	for (uint32_t k = 0; k < 3; k++) {
		pools[k] = (struct pool){ 0 };
		pools[k].config = (struct sched_pool_config){
			.pristine = true,
			.recycles = true,
			.concurrency = 1,
			.min_instances = k < 2,
			.max_instances = 4,
			.queue_max = 10,
			.memory_bytes = 1,
			.keep_ns = 60000 * MS,
			.start_ns = 60000 * MS,
		};
		pools[k].sched =
			sched_pool_new(sched, &pools[k].config, &pools[k]);
	}
	for (uint32_t k = 0; k < 200 && alive < 2; k++)
		step_time();
	check_int(alive, 2);
	made = started;
	requests[0].state = WAITS;
	requests[0].number = ++pools[2].submitted;
	submitted++;
	sched_submit(pools[2].sched, &requests[0].sched, now_ns);
	for (uint32_t k = 0; k < 500 && requests[0].state == WAITS; k++)
		step_time();
	check_int(refused, 0);
	check(requests[0].state != WAITS);
	check_int(started - made, 1);
	for (uint32_t k = 0; k < 3; k++) {
		pools[k].drained = true;
		sched_pool_drain(pools[k].sched, now_ns);
	}
	for (uint32_t k = 0; k < 500 && alive; k++)
		step_time();
	check_int(alive, 0);
	for (uint32_t k = 0; k < 3; k++)
		sched_pool_free(pools[k].sched);
	sched_free(sched);
	calm = false;
}

int main(void)
{
	RUN(test_room_goes_to_who_waits);
	RUN(test_worlds);
	return check_done();
}
