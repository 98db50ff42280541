/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every call that changes something ends in pool_serve(), which gives waiting
 * requests to instances that have room and asks for more instances if that
 * was not enough. Of several idle instances the most recently used serves,
 * so that the others become old and end.
 */
#include "daemon/scheduler/scheduler.h"

#include <errno.h>
#include <stdlib.h>

#define NS_PER_S   1000000000ull
#define RATE_NS	   (5 * NS_PER_S) /* what counts as recent */
#define RATE_ONE   1024u /* of the counter of arrivals */
#define FAILURES   5u /* in a row: the pool is failing */
#define RETRY_NS   (NS_PER_S / 10) /* doubles with each failure ... */
#define RETRY_MAX  9u /* ... so often at most: 51 s */
#define PREP_SHIFT 3 /* weight of one start in the mean: an eighth */

struct sched {
	const struct sched_ops *ops;
	void *ctx;
	struct sched_limits limits;
	struct list pools;
	uint32_t instances, waiting;
	uint32_t evicting; /* instances that go for others */
	uint64_t memory_bytes; /* of all instances, by estimate */
};

struct sched_pool {
	struct list node;
	struct sched *sched;
	struct sched_pool_config config;
	void *owner;
	struct list queue;
	struct list starting, ready, busy, stopping; /* ready: newest first */
	uint32_t starting_count, ready_count, busy_count, stopping_count;
	uint32_t waiting;
	uint32_t failures; /* in a row */
	uint64_t retry_at_ns;
	uint64_t arrivals, arrived_ns; /* decays; RATE_ONE for each */
	uint64_t prep_ns; /* mean time to become ready */
	bool drained;
};

int sched_new(struct sched **ret, const struct sched_ops *ops, void *ctx,
	      const struct sched_limits *limits)
{
	struct sched *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->ops = ops;
	s->ctx = ctx;
	s->limits = *limits;
	list_init(&s->pools);
	*ret = s;
	return 0;
}

void sched_free(struct sched *s)
{
	struct list *n, *next;

	if (!s)
		return;
	list_for_each_safe(n, next, &s->pools)
		free(container_of(n, struct sched_pool, node));
	free(s);
}

/* ---- lists of instances -------------------------------------------------- */

static uint32_t *count_of(struct sched_pool *p, enum sched_state state)
{
	switch (state) {
	case SCHED_STARTING:
		return &p->starting_count;
	case SCHED_READY:
		return &p->ready_count;
	case SCHED_BUSY:
		return &p->busy_count;
	case SCHED_STOPPING:
		break;
	}
	return &p->stopping_count;
}

static struct list *list_of(struct sched_pool *p, enum sched_state state)
{
	switch (state) {
	case SCHED_STARTING:
		return &p->starting;
	case SCHED_READY:
		return &p->ready;
	case SCHED_BUSY:
		return &p->busy;
	case SCHED_STOPPING:
		break;
	}
	return &p->stopping;
}

static void enter(struct sched_instance *i, enum sched_state state,
		  uint64_t now_ns)
{
	i->state = state;
	i->since_ns = now_ns;
	list_add_head(list_of(i->pool, state), &i->node);
	++*count_of(i->pool, state);
}

static void leave(struct sched_instance *i)
{
	list_del(&i->node);
	--*count_of(i->pool, i->state);
}

static void move(struct sched_instance *i, enum sched_state state,
		 uint64_t now_ns)
{
	leave(i);
	enter(i, state, now_ns);
}

static void stop(struct sched_instance *i, enum sched_stop why, uint64_t now_ns)
{
	struct sched *s = i->pool->sched;

	move(i, SCHED_STOPPING, now_ns);
	i->evicted = why == SCHED_STOP_EVICTED;
	s->evicting += i->evicted;
	s->ops->stop(s->ctx, i, why);
}

static uint32_t alive(const struct sched_pool *p)
{
	return p->starting_count + p->ready_count + p->busy_count;
}

static uint32_t all_of(const struct sched_pool *p)
{
	return alive(p) + p->stopping_count;
}

/* ---- arrivals ------------------------------------------------------------ */

/* As if each arrival faded away within RATE_NS. */
static uint64_t arrivals_now(const struct sched_pool *p, uint64_t now_ns)
{
	uint64_t age = now_ns - p->arrived_ns;

	if (age >= RATE_NS)
		return 0;
	return p->arrivals - p->arrivals * (age / 1000) / (RATE_NS / 1000);
}

static void note_arrival(struct sched_pool *p, uint64_t now_ns)
{
	p->arrivals = arrivals_now(p, now_ns) + RATE_ONE;
	p->arrived_ns = now_ns;
}

/*
 * Ready instances that a pool of pristine ones should have: twice as many
 * requests as come while one is made ready. Below one request a second,
 * none.
 */
static uint32_t spares_wanted(const struct sched_pool *p, uint64_t now_ns)
{
	uint64_t recent = arrivals_now(p, now_ns) / RATE_ONE;
	uint32_t max = p->sched->limits.spares_max;
	uint64_t per_prep;

	if (!p->config.pristine || !p->config.keep_ns ||
	    recent < RATE_NS / NS_PER_S)
		return 0;
	per_prep = 2 * recent * (p->prep_ns / 1000) / (RATE_NS / 1000);
	return per_prep >= max ? max : (uint32_t)per_prep + 1;
}

/* ---- more instances ------------------------------------------------------ */

/* The idle instance, of all pools, that was used least recently. */
static struct sched_instance *oldest_idle(struct sched *s,
					  const struct sched_pool *but)
{
	struct sched_instance *found = NULL, *i;
	struct sched_pool *p;
	struct list *n;

	list_for_each(n, &s->pools) {
		p = container_of(n, struct sched_pool, node);
		if ((but && p == but) || list_empty(&p->ready))
			continue;
		i = container_of(p->ready.prev, struct sched_instance, node);
		if (!found || i->since_ns < found->since_ns)
			found = i;
	}
	return found;
}

static bool has_room(const struct sched *s, const struct sched_pool *p)
{
	if (s->instances >= s->limits.instances_max)
		return false;
	return !s->limits.memory_bytes ||
	       s->memory_bytes + p->config.memory_bytes <=
		       s->limits.memory_bytes;
}

static void note_failure(struct sched_pool *p, uint64_t now_ns)
{
	uint32_t doublings = p->failures < RETRY_MAX ? p->failures : RETRY_MAX;

	p->failures++;
	p->retry_at_ns = now_ns + (RETRY_NS << doublings);
}

static bool is_failing(const struct sched_pool *p)
{
	return p->failures >= FAILURES;
}

static bool start_one(struct sched_pool *p, uint64_t now_ns)
{
	struct sched *s = p->sched;
	struct sched_instance *i = s->ops->start(s->ctx, p);

	if (!i) {
		note_failure(p, now_ns);
		return false;
	}
	i->pool = p;
	i->in_flight = 0;
	i->evicted = false;
	s->instances++;
	s->memory_bytes += p->config.memory_bytes;
	enter(i, SCHED_STARTING, now_ns);
	return true;
}

/* What waits has a right to room that an idle instance of others takes. */
static bool make_room(struct sched_pool *p, uint64_t now_ns)
{
	struct sched_instance *i;

	if (has_room(p->sched, p))
		return true;
	i = oldest_idle(p->sched, p);
	if (i && p->waiting && p->sched->evicting < p->sched->waiting)
		stop(i, SCHED_STOP_EVICTED, now_ns);
	return false;
}

/* Requests of another pool wait for nothing but room. */
static bool others_starve(const struct sched_pool *p)
{
	const struct sched_pool *other;
	struct list *n;

	if (p->sched->waiting == p->waiting)
		return false;
	list_for_each(n, &p->sched->pools) {
		other = container_of(n, struct sched_pool, node);
		if (other != p && other->waiting && !other->failures &&
		    !other->starting_count &&
		    all_of(other) < other->config.max_instances)
			return true;
	}
	return false;
}

static uint32_t starts_wanted(const struct sched_pool *p, uint64_t now_ns)
{
	const struct sched_pool_config *c = &p->config;
	uint32_t each = c->pristine ? 1 : c->concurrency;
	uint32_t waiting = (p->waiting + each - 1) / each;
	bool modest = others_starve(p);
	uint32_t spares = modest ? 0 : spares_wanted(p, now_ns);
	uint32_t floor = c->pristine ? c->min_instances + p->busy_count :
				       c->min_instances;
	uint32_t want = waiting + spares;

	if (modest)
		floor = 0;
	want = want > p->starting_count + p->ready_count ?
		       want - p->starting_count - p->ready_count :
		       0;
	if (alive(p) + want < floor)
		want = floor - alive(p);
	return want;
}

static void start_wanted(struct sched_pool *p, uint64_t now_ns)
{
	uint32_t want;

	if (p->drained || (p->failures && now_ns < p->retry_at_ns))
		return;
	want = starts_wanted(p, now_ns);
	if (p->failures && want > 1)
		want = 1;
	while (want-- && all_of(p) < p->config.max_instances)
		if (!make_room(p, now_ns) || !start_one(p, now_ns))
			return;
}

/* ---- requests ------------------------------------------------------------ */

static void dequeue(struct sched_request *r)
{
	list_del(&r->node);
	r->pool->waiting--;
	r->pool->sched->waiting--;
}

static void refuse(struct sched_request *r, enum sched_refusal why,
		   uint64_t retry_after_ns)
{
	struct sched *s = r->pool->sched;

	s->ops->refuse(s->ctx, r, why, retry_after_ns);
}

static void refuse_all(struct sched_pool *p, enum sched_refusal why,
		       uint64_t retry_after_ns)
{
	struct sched_request *r;

	while (!list_empty(&p->queue)) {
		r = container_of(p->queue.next, struct sched_request, node);
		dequeue(r);
		refuse(r, why, retry_after_ns);
	}
}

/* An idle one, else the least busy one that has room. */
static struct sched_instance *pick(struct sched_pool *p)
{
	struct sched_instance *found = NULL, *i;
	struct list *n;

	if (!list_empty(&p->ready))
		return container_of(p->ready.next, struct sched_instance, node);
	if (p->config.pristine)
		return NULL;
	list_for_each(n, &p->busy) {
		i = container_of(n, struct sched_instance, node);
		if (i->in_flight < p->config.concurrency &&
		    (!found || i->in_flight < found->in_flight))
			found = i;
	}
	return found;
}

static void assign(struct sched_request *r, struct sched_instance *i,
		   uint64_t now_ns)
{
	struct sched *s = r->pool->sched;

	dequeue(r);
	r->instance = i;
	if (i->in_flight++ == 0)
		move(i, SCHED_BUSY, now_ns);
	s->ops->assign(s->ctx, r);
}

static void pool_serve(struct sched_pool *p, uint64_t now_ns)
{
	struct sched_instance *i;

	while (!list_empty(&p->queue) && (i = pick(p)))
		assign(container_of(p->queue.next, struct sched_request, node),
		       i, now_ns);
	start_wanted(p, now_ns);
}

void sched_submit(struct sched_pool *p, struct sched_request *r,
		  uint64_t now_ns)
{
	r->pool = p;
	r->instance = NULL;
	r->submitted_ns = now_ns;
	list_init(&r->node);
	if (p->drained) {
		refuse(r, SCHED_REMOVED, 0);
		return;
	}
	if (is_failing(p) && now_ns < p->retry_at_ns && !alive(p)) {
		refuse(r, SCHED_FAILING, p->retry_at_ns - now_ns);
		return;
	}
	if (p->waiting >= p->config.queue_max) {
		refuse(r, SCHED_POOL_FULL, NS_PER_S);
		return;
	}
	if (p->sched->waiting >= p->sched->limits.queue_max) {
		refuse(r, SCHED_ALL_FULL, NS_PER_S);
		return;
	}
	list_add_tail(&p->queue, &r->node);
	p->waiting++;
	p->sched->waiting++;
	note_arrival(p, now_ns);
	pool_serve(p, now_ns);
}

void sched_cancel(struct sched_request *r)
{
	dequeue(r);
}

/* A pristine instance has served. */
static void used(struct sched_instance *i, uint64_t now_ns)
{
	struct sched_pool *p = i->pool;
	struct sched *s = p->sched;

	if (!p->config.recycles || !p->config.keep_ns || p->drained) {
		stop(i, SCHED_STOP_USED, now_ns);
		return;
	}
	move(i, SCHED_STARTING, now_ns);
	s->ops->recycle(s->ctx, i);
}

void sched_done(struct sched_request *r, bool broken, uint64_t now_ns)
{
	struct sched_instance *i = r->instance;
	struct sched_pool *p = r->pool;

	r->instance = NULL;
	if (!i)
		return;
	i->in_flight--;
	if (i->state == SCHED_STOPPING)
		return;
	if (broken)
		stop(i, SCHED_STOP_BROKEN, now_ns);
	else if (p->config.pristine)
		used(i, now_ns);
	else if (!i->in_flight && (p->drained || !p->config.keep_ns))
		stop(i, p->drained ? SCHED_STOP_DRAINED : SCHED_STOP_IDLE,
		     now_ns);
	else if (!i->in_flight)
		move(i, SCHED_READY, now_ns);
	pool_serve(p, now_ns);
}

/* ---- what instances tell ------------------------------------------------- */

void sched_ready(struct sched_instance *i, uint64_t now_ns)
{
	struct sched_pool *p = i->pool;
	uint64_t took;

	if (i->state != SCHED_STARTING)
		return;
	took = now_ns - i->since_ns;
	p->prep_ns = p->prep_ns ? p->prep_ns - (p->prep_ns >> PREP_SHIFT) +
					  (took >> PREP_SHIFT) :
				  took;
	p->failures = 0;
	if (p->drained)
		stop(i, SCHED_STOP_DRAINED, now_ns);
	else
		move(i, SCHED_READY, now_ns);
	pool_serve(p, now_ns);
}

/* Room has become free: whoever waits for it may have it. */
static void serve_all(struct sched *s, uint64_t now_ns)
{
	struct sched_pool *p;
	struct list *n;

	list_for_each(n, &s->pools) {
		p = container_of(n, struct sched_pool, node);
		if (p->waiting)
			pool_serve(p, now_ns);
	}
}

void sched_gone(struct sched_instance *i, bool failed, uint64_t now_ns)
{
	struct sched_pool *p = i->pool;
	struct sched *s = p->sched;

	leave(i);
	s->evicting -= i->evicted;
	s->instances--;
	s->memory_bytes -= p->config.memory_bytes;
	if (failed) {
		note_failure(p, now_ns);
		if (is_failing(p) && !alive(p))
			refuse_all(p, SCHED_FAILING, p->retry_at_ns - now_ns);
	}
	serve_all(s, now_ns);
	pool_serve(p, now_ns);
}

void sched_stop_one(struct sched_instance *i, enum sched_stop why,
		    uint64_t now_ns)
{
	if (i->state != SCHED_STOPPING)
		stop(i, why, now_ns);
}

uint32_t sched_evict(struct sched *s, uint64_t bytes, uint64_t now_ns)
{
	struct sched_instance *i;
	uint64_t freed = 0;
	uint32_t count = 0;

	while (freed < bytes && (i = oldest_idle(s, NULL))) {
		freed += i->pool->config.memory_bytes;
		stop(i, SCHED_STOP_EVICTED, now_ns);
		count++;
	}
	return count;
}

/* ---- time ---------------------------------------------------------------- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The head of the queue has waited longest. */
static uint64_t tick_queue(struct sched_pool *p, uint64_t now_ns)
{
	struct sched_request *r;
	uint64_t due;

	while (!list_empty(&p->queue)) {
		r = container_of(p->queue.next, struct sched_request, node);
		due = r->submitted_ns + p->config.start_ns;
		if (due > now_ns)
			return due;
		dequeue(r);
		refuse(r, SCHED_TOO_LATE, NS_PER_S);
	}
	return UINT64_MAX;
}

/* The tail of the ready ones has been idle longest. */
static uint64_t tick_idle(struct sched_pool *p, uint64_t now_ns)
{
	struct sched_instance *i;
	uint64_t due;

	while (!list_empty(&p->ready)) {
		if (alive(p) <= p->config.min_instances)
			return UINT64_MAX;
		i = container_of(p->ready.prev, struct sched_instance, node);
		due = i->since_ns + p->config.keep_ns;
		if (due > now_ns)
			return due;
		stop(i, SCHED_STOP_IDLE, now_ns);
	}
	return UINT64_MAX;
}

/* What should run and does not is tried again. */
static uint64_t tick_starts(struct sched_pool *p, uint64_t now_ns)
{
	if (p->drained || !starts_wanted(p, now_ns))
		return UINT64_MAX;
	start_wanted(p, now_ns);
	return p->failures && now_ns < p->retry_at_ns ? p->retry_at_ns :
							UINT64_MAX;
}

uint64_t sched_tick(struct sched *s, uint64_t now_ns)
{
	uint64_t next = UINT64_MAX;
	struct sched_pool *p;
	struct list *n;

	list_for_each(n, &s->pools) {
		p = container_of(n, struct sched_pool, node);
		next = earlier(next, tick_queue(p, now_ns));
		next = earlier(next, tick_idle(p, now_ns));
		next = earlier(next, tick_starts(p, now_ns));
	}
	return next;
}

/* ---- pools --------------------------------------------------------------- */

struct sched_pool *
sched_pool_new(struct sched *s, const struct sched_pool_config *c, void *owner)
{
	struct sched_pool *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->sched = s;
	p->config = *c;
	p->owner = owner;
	list_init(&p->queue);
	list_init(&p->starting);
	list_init(&p->ready);
	list_init(&p->busy);
	list_init(&p->stopping);
	list_add_tail(&s->pools, &p->node);
	return p;
}

void *sched_pool_owner(const struct sched_pool *p)
{
	return p->owner;
}

void sched_pool_set_min(struct sched_pool *p, uint32_t min_instances)
{
	p->config.min_instances = min_instances;
}

void sched_pool_drain(struct sched_pool *p, uint64_t now_ns)
{
	p->drained = true;
	refuse_all(p, SCHED_REMOVED, 0);
	while (!list_empty(&p->ready))
		stop(container_of(p->ready.next, struct sched_instance, node),
		     SCHED_STOP_DRAINED, now_ns);
	while (!list_empty(&p->starting))
		stop(container_of(p->starting.next, struct sched_instance,
				  node),
		     SCHED_STOP_DRAINED, now_ns);
}

bool sched_pool_empty(const struct sched_pool *p)
{
	return all_of(p) == 0 && !p->waiting;
}

void sched_pool_free(struct sched_pool *p)
{
	list_del(&p->node);
	free(p);
}

void sched_pool_counts(const struct sched_pool *p, struct sched_counts *ret)
{
	*ret = (struct sched_counts){
		.starting = p->starting_count,
		.ready = p->ready_count,
		.busy = p->busy_count,
		.stopping = p->stopping_count,
		.waiting = p->waiting,
		.failing = is_failing(p),
		.retry_at_ns = p->retry_at_ns,
	};
	if (p->waiting)
		ret->oldest_ns =
			container_of(p->queue.next, struct sched_request, node)
				->submitted_ns;
}
