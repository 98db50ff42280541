/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks from the TSC and the monitor's clock page, and one-shot timers in a
 * list sorted by deadline. Timers run from the scheduler: at every idle, tick
 * and sleep.
 */
#include "core/time.h"

#include "arch.h"

static struct list timers = LIST_INIT(timers);
static uint64_t last_mono;

static uint64_t scale(uint64_t ticks, uint64_t mult)
{
	return (uint64_t)(((unsigned __int128)ticks * mult) >> 32);
}

/* Both clocks at one instant. */
static void read_clock(uint64_t *mono, uint64_t *real)
{
	struct mf_clock *c = &kernel_shared->clock;
	uint64_t delta, tsc;
	uint32_t seq;

	do {
		seq = atomic_load_explicit(&c->seq, memory_order_acquire);
		tsc = arch_tsc();
		delta = tsc > c->tsc ? scale(tsc - c->tsc, c->mult) : 0;
		*mono = c->mono_ns + delta;
		*real = c->real_ns + delta;
		atomic_thread_fence(memory_order_acquire);
	} while ((seq & 1) ||
		 seq != atomic_load_explicit(&c->seq, memory_order_relaxed));
}

uint64_t time_mono_ns(void)
{
	uint64_t mono, real;

	read_clock(&mono, &real);
	if (mono > last_mono)
		last_mono = mono;
	return last_mono;
}

uint64_t time_real_ns(void)
{
	uint64_t mono, real;

	read_clock(&mono, &real);
	return real;
}

uint64_t time_deadline(uint64_t delta_ns)
{
	uint64_t now = time_mono_ns();

	return delta_ns > DEADLINE_NEVER - now ? DEADLINE_NEVER :
						 now + delta_ns;
}

void ktimer_start(struct ktimer *t, uint64_t deadline_ns)
{
	struct list *pos;

	ktimer_stop(t);
	t->deadline_ns = deadline_ns;
	list_for_each(pos, &timers) {
		struct ktimer *o = container_of(pos, struct ktimer, node);

		if (o->deadline_ns > deadline_ns)
			break;
	}
	list_insert(&t->node, pos->prev, pos);
	atomic_store_explicit(&kernel_shared->want_tick, 1,
			      memory_order_relaxed);
}

void ktimer_stop(struct ktimer *t)
{
	if (t->node.next)
		list_del(&t->node);
}

uint64_t ktimer_next(void)
{
	if (list_empty(&timers))
		return DEADLINE_NEVER;
	return container_of(timers.next, struct ktimer, node)->deadline_ns;
}

void ktimer_run(void)
{
	uint64_t now;

	if (list_empty(&timers))
		return;
	now = time_mono_ns();
	while (!list_empty(&timers)) {
		struct ktimer *t =
			container_of(timers.next, struct ktimer, node);

		if (t->deadline_ns > now)
			return;
		list_del(&t->node);
		t->fire(t);
	}
}
