/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A timer hangs in one of two lists of the kernel, by its clock: real time
 * (core/time.h) or CPU time (core/cputime.h).
 */
#include "core/ptimer.h"

#include "core/alloc.h"
#include "core/cputime.h"
#include "core/thread.h"
#include "core/time.h"

struct ptimer {
	struct list node;
	int id;
	struct ptimer_config c;
	uint64_t interval_ns;
	bool armed;
	int overrun; /* of the signal delivered last */
	struct ktimer real;
	struct cputimer cpu;
};

static struct list timers = LIST_INIT(timers);
static int next_id;
static unsigned timer_count;

struct ptimer *ptimer_find(int id)
{
	struct list *pos;

	list_for_each(pos, &timers) {
		struct ptimer *t = container_of(pos, struct ptimer, node);

		if (t->id == id)
			return t;
	}
	return NULL;
}

static uint64_t now_of(const struct ptimer *t)
{
	return t->c.clock == PTIMER_CPU ? cputimer_now(&t->cpu) :
					  time_mono_ns();
}

static uint64_t target_of(const struct ptimer *t)
{
	return t->c.clock == PTIMER_CPU ? t->cpu.target_ns :
					  t->real.deadline_ns;
}

static void start(struct ptimer *t, uint64_t target)
{
	t->armed = true;
	if (t->c.clock == PTIMER_CPU)
		cputimer_start(&t->cpu, target);
	else
		ktimer_start(&t->real, target);
}

static int clamp(uint64_t n)
{
	return n > INT32_MAX ? INT32_MAX : (int)n;
}

/* If one of ours waits still, the queue adds this one to its overruns. */
static void notify(const struct ptimer *t, uint64_t missed)
{
	struct ksiginfo info = { .signo = t->c.signo,
				 .code = SI_TIMER,
				 .pid = t->id,
				 .uid = clamp(missed),
				 .value = t->c.value };
	struct thread *to = t->c.tid ? thread_find(t->c.tid) : NULL;

	if (to)
		signal_send_thread(to, &info);
	else if (!t->c.tid)
		signal_send_process_info(&info);
}

static void expired(struct ptimer *t)
{
	uint64_t target = target_of(t), now = now_of(t), missed = 0;

	t->armed = false;
	if (t->interval_ns) {
		if (now > target)
			missed = (now - target) / t->interval_ns;
		start(t, target + (missed + 1) * t->interval_ns);
	}
	if (t->c.signo)
		notify(t, missed);
}

static void real_expired(struct ktimer *k)
{
	expired(container_of(k, struct ptimer, real));
}

static void cpu_expired(struct cputimer *k)
{
	expired(container_of(k, struct ptimer, cpu));
}

int ptimer_new(const struct ptimer_config *c)
{
	struct ptimer *t;

	if (timer_count >= PTIMERS_MAX)
		return -EAGAIN;
	t = kzalloc(sizeof(*t));
	if (!t)
		return -EAGAIN;
	while (ptimer_find(next_id))
		next_id = next_id == INT32_MAX ? 0 : next_id + 1;
	t->id = next_id;
	next_id = next_id == INT32_MAX ? 0 : next_id + 1;
	t->c = *c;
	if (c->own_value)
		t->c.value = (uint64_t)t->id;
	t->cpu.tid = c->cpu_tid;
	t->cpu.fire = cpu_expired;
	t->real.fire = real_expired;
	timer_count++;
	list_add_tail(&timers, &t->node);
	return t->id;
}

static void stop(struct ptimer *t)
{
	ktimer_stop(&t->real);
	cputimer_stop(&t->cpu);
	t->armed = false;
}

void ptimer_free(struct ptimer *t)
{
	stop(t);
	list_del(&t->node);
	timer_count--;
	kfree(t);
}

static uint64_t add_ns(uint64_t a, uint64_t b)
{
	return b > DEADLINE_NEVER - a ? DEADLINE_NEVER : a + b;
}

void ptimer_set(struct ptimer *t, bool absolute, const struct ptimer_setting *s)
{
	uint64_t value = s->value_ns, real;

	stop(t);
	t->interval_ns = s->interval_ns;
	t->overrun = 0;
	if (!value)
		return;
	t->real.real = absolute && t->c.clock == PTIMER_REALTIME;
	if (t->real.real) {
		real = time_real_ns();
		value = value > real ? value - real : 0;
		absolute = false;
	}
	start(t, absolute ? value : add_ns(now_of(t), value));
	/* A CPU clock that stands still at its target is there. */
	if (t->c.clock == PTIMER_CPU)
		cputimer_run();
	else
		ktimer_run();
}

void ptimer_get(const struct ptimer *t, struct ptimer_setting *ret)
{
	uint64_t now = now_of(t), target = target_of(t);

	*ret = (struct ptimer_setting){ .interval_ns = t->interval_ns };
	/* What is armed is never shown as disarmed. */
	if (t->armed)
		ret->value_ns = target > now ? target - now : 1;
}

int ptimer_overrun(const struct ptimer *t)
{
	return t->overrun;
}

void ptimer_delivered(int id, int overrun)
{
	struct ptimer *t = ptimer_find(id);

	if (t)
		t->overrun = overrun;
}
