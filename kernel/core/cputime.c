/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU time. A program has few such timers, often one (a profiler): the list
 * is not sorted.
 */
#include "core/cputime.h"

#include "core/thread.h"
#include "core/time.h"

static struct list timers = LIST_INIT(timers);
static uint64_t buried_ns; /* of threads that have ended */

uint64_t cputime_thread(const struct thread *t)
{
	uint64_t ns = t->cpu_ns;

	if (t == current)
		ns += time_mono_ns() - t->last_ns;
	return ns;
}

uint64_t cputime_process(void)
{
	uint64_t sum = buried_ns;
	struct list *pos;

	list_for_each(pos, &thread_all)
		sum += cputime_thread(
			container_of(pos, struct thread, all_node));
	return sum;
}

void cputime_bury(const struct thread *t)
{
	buried_ns += t->cpu_ns;
}

uint64_t cputimer_now(const struct cputimer *t)
{
	const struct thread *th;

	if (!t->tid)
		return cputime_process();
	th = thread_find(t->tid);
	return th ? cputime_thread(th) : t->target_ns;
}

void cputimer_start(struct cputimer *t, uint64_t target_ns)
{
	cputimer_stop(t);
	t->target_ns = target_ns;
	list_add_tail(&timers, &t->node);
	atomic_store_explicit(&kernel_shared->want_tick, 1,
			      memory_order_relaxed);
}

void cputimer_stop(struct cputimer *t)
{
	if (t->node.next)
		list_del(&t->node);
}

bool cputimer_any(void)
{
	return !list_empty(&timers);
}

void cputimer_run(void)
{
	struct list due = LIST_INIT(due);
	struct list *pos, *tmp;

	if (list_empty(&timers))
		return;
	list_for_each_safe(pos, tmp, &timers) {
		struct cputimer *t = container_of(pos, struct cputimer, node);

		/* A thread that has ended counts no further. */
		if (t->tid && !thread_find(t->tid))
			continue;
		if (cputimer_now(t) < t->target_ns)
			continue;
		list_del(&t->node);
		list_add_tail(&due, &t->node);
	}
	while ((pos = list_pop_head(&due))) {
		struct cputimer *t = container_of(pos, struct cputimer, node);

		t->fire(t);
	}
}
