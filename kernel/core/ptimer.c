/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POSIX timers. A timer is rearmed when it fires, and never for a time that
 * is past: what was missed while the guest did not run is overrun, not a row
 * of signals. Clocks of CPU time count real time, as the interval timers do.
 */
#include "core/ptimer.h"

#include <asm/siginfo.h>

#include "core/alloc.h"
#include "core/signal.h"
#include "core/thread.h"
#include "core/time.h"

#define OVERRUN_MAX 0x7fffffff /* DELAYTIMER_MAX */

struct ptimer {
	struct ktimer timer; /* deadline_ns 0: stopped */
	struct ptimer_event ev;
	uint64_t interval_ns;
	int id, clock;
	int overrun;
};

static struct ptimer *timers[PTIMER_MAX];

static struct ptimer *find(int id)
{
	return id >= 0 && id < PTIMER_MAX ? timers[id] : NULL;
}

static void send(struct ptimer *t, uint64_t missed)
{
	struct thread *to = t->ev.tid ? thread_find(t->ev.tid) : NULL;
	struct ksiginfo info = {
		.signo = t->ev.signo,
		.code = SI_TIMER,
		.pid = t->id,
		.uid = (int)(missed < OVERRUN_MAX ? missed : OVERRUN_MAX),
		.value = t->ev.value,
	};

	if (!info.signo || (t->ev.tid && !to))
		return;
	if (to)
		signal_send_thread(to, &info);
	else
		signal_send_process_info(&info);
}

static void fire(struct ktimer *k)
{
	struct ptimer *t = container_of(k, struct ptimer, timer);
	uint64_t now = time_mono_ns(), missed = 0;

	if (t->interval_ns) {
		missed = (now - k->deadline_ns) / t->interval_ns;
		ktimer_start(k, k->deadline_ns + (missed + 1) * t->interval_ns);
	} else {
		k->deadline_ns = 0;
	}
	send(t, missed);
}

int ptimer_new(int clock, const struct ptimer_event *ev)
{
	struct ptimer *t;
	int id = 0;

	while (id < PTIMER_MAX && timers[id])
		id++;
	if (id == PTIMER_MAX)
		return -EAGAIN;
	t = kzalloc(sizeof(*t));
	if (!t)
		return -EAGAIN;
	t->timer.fire = fire;
	t->clock = clock;
	t->ev = *ev;
	t->id = id;
	timers[id] = t;
	return id;
}

int ptimer_delete(int id)
{
	struct ptimer *t = find(id);

	if (!t)
		return -EINVAL;
	ktimer_stop(&t->timer);
	timers[id] = NULL;
	kfree(t);
	return 0;
}

int ptimer_clock(int id)
{
	const struct ptimer *t = find(id);

	return t ? t->clock : -EINVAL;
}

int ptimer_set(int id, uint64_t deadline_ns, uint64_t interval_ns)
{
	struct ptimer *t = find(id);

	if (!t)
		return -EINVAL;
	ktimer_stop(&t->timer);
	t->interval_ns = interval_ns;
	t->timer.deadline_ns = 0;
	t->overrun = 0;
	if (deadline_ns)
		ktimer_start(&t->timer, deadline_ns);
	return 0;
}

int ptimer_get(int id, uint64_t *ret_left_ns, uint64_t *ret_interval_ns)
{
	const struct ptimer *t = find(id);
	uint64_t now = time_mono_ns();

	if (!t)
		return -EINVAL;
	*ret_interval_ns = t->interval_ns;
	*ret_left_ns = 0;
	if (t->timer.deadline_ns)
		*ret_left_ns = t->timer.deadline_ns > now ?
				       t->timer.deadline_ns - now :
				       1;
	return 0;
}

int ptimer_overrun(int id)
{
	const struct ptimer *t = find(id);

	return t ? t->overrun : -EINVAL;
}

void ptimer_delivered(int id, int overrun)
{
	struct ptimer *t = find(id);

	if (t)
		t->overrun = overrun;
}
