/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks from the TSC and the monitor's clock page, and one-shot timers in a
 * list sorted by deadline. Timers run from the scheduler: at every idle, tick
 * and sleep.
 */
#include "core/time.h"

#include "arch.h"

static struct list timers = LIST_INIT(timers);

uint64_t time_mono_ns(void)
{
	return arch_clock_ns(false);
}

uint64_t time_real_ns(void)
{
	return arch_clock_ns(true);
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

int64_t time_real_offset_ns(void)
{
	return (int64_t)(time_real_ns() - time_mono_ns());
}

static uint64_t moved(uint64_t deadline_ns, int64_t by_ns)
{
	uint64_t back = -(uint64_t)by_ns;

	if (by_ns >= 0)
		return deadline_ns - min_u64(deadline_ns, (uint64_t)by_ns);
	return back > DEADLINE_NEVER - deadline_ns ? DEADLINE_NEVER :
						     deadline_ns + back;
}

void time_real_jumped(int64_t by_ns)
{
	struct list old = LIST_INIT(old), *n;

	while ((n = list_pop_head(&timers)))
		list_add_tail(&old, n);
	while ((n = list_pop_head(&old))) {
		struct ktimer *t = container_of(n, struct ktimer, node);

		ktimer_start(t, t->real ? moved(t->deadline_ns, by_ns) :
					  t->deadline_ns);
	}
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
