/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carries out what the scheduler decides and tells it, the ledger and the
 * metrics what has become of it.
 */
#include "daemon/dispatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "daemon/dispatch_private.h"
#include "host/cleanup.h"
#include "host/log.h"

static const char *const trigger_words[] = {
	[TRIGGER_HTTP] = "http",
	[TRIGGER_INVOKE] = "invoke",
	[TRIGGER_PROBE] = "probe",
	[TRIGGER_POOL] = "pool",
};

static uint64_t now(const struct dispatch *d)
{
	return loop_now_ns(d->loop);
}

static const char *name_of(const struct instance *i)
{
	return i->plan->version->function->name;
}

/* The scheduler may have something due at another time now. */
void dispatch_tick_soon(struct dispatch *d)
{
	loop_defer(d->loop, &d->tick_soon);
}

static void check_drained(struct dispatch *d)
{
	if (d->draining && list_empty(&d->instances) && d->drained) {
		d->drained(d->drained_arg);
		d->drained = NULL;
	}
}

static void tick(struct dispatch *d)
{
	uint64_t due = sched_tick(d->sched, now(d));

	if (due == UINT64_MAX)
		loop_timer_cancel(d->loop, &d->tick);
	else
		(void)loop_timer_set(d->loop, &d->tick, due);
	dispatch_sweep(d);
	check_drained(d);
}

void dispatch_on_tick(struct loop_timer *t)
{
	tick(container_of(t, struct dispatch, tick));
}

void dispatch_on_tick_soon(struct loop_task *t)
{
	tick(container_of(t, struct dispatch, tick_soon));
}

/* ---- the ledger ---------------------------------------------------------- */

const char *instance_how(const struct instance *i)
{
	if (i->life.again)
		return "again";
	return i->plan->copies ? "copy" : "boot";
}

static const struct dispatch_request *first_of(const struct instance *i)
{
	return container_of(i->requests.next, struct dispatch_request, node);
}

void dispatch_born(struct instance *i)
{
	struct dispatch *d = i->dispatch;
	const struct version *v = i->plan->version;
	struct sched_counts c;
	struct ledger_birth b = {
		.id = i->life.id,
		.function = v->function->name,
		.version = v->number,
		.substrate = i->plan->substrate == MF_SUBSTRATE_KVM ? "kvm" :
								      "process",
		.how = instance_how(i),
		.memory_bytes = v->spec.memory_bytes,
	};

	sched_pool_counts(i->pool->sched, &c);
	i->life.trigger = !list_empty(&i->requests) ? first_of(i)->trigger :
			  c.waiting		    ? i->pool->last_trigger :
						      TRIGGER_POOL;
	b.trigger = trigger_words[i->life.trigger];
	i->life.begun = true;
	ledger_birth(d->ledger, &b);
	metrics_add(d->metrics, METRIC_STARTS, LABELS(name_of(i), b.how), 1);
	if (i->life.again)
		metrics_add(d->metrics, METRIC_RESETS, LABELS(name_of(i)), 1);
}

static enum ledger_reason stop_reason(const struct instance *i)
{
	if (i->killed_by_operator)
		return LEDGER_OPERATOR;
	switch (i->stop_why) {
	case SCHED_STOP_IDLE:
		return LEDGER_IDLE;
	case SCHED_STOP_EVICTED:
		return LEDGER_EVICTED;
	case SCHED_STOP_DRAINED:
		return LEDGER_DRAINED;
	case SCHED_STOP_BROKEN:
		return i->timed_out ? LEDGER_TIMEOUT : LEDGER_BROKEN;
	case SCHED_STOP_USED:
		break;
	}
	return LEDGER_USED;
}

static enum ledger_reason exit_reason(const struct instance *i)
{
	switch ((enum mf_exit_reason)i->exit.reason) {
	case MF_EXIT_FINISHED:
		return i->stopping ? stop_reason(i) : LEDGER_FINISHED;
	case MF_EXIT_SIGNAL:
		return i->stopping ? stop_reason(i) : LEDGER_CRASH;
	case MF_EXIT_PANIC:
		return LEDGER_CRASH;
	case MF_EXIT_OOM:
		return LEDGER_OUT_OF_MEMORY;
	case MF_EXIT_CONTRACT:
		return LEDGER_CONTRACT;
	case MF_EXIT_PARENT:
		return i->stopping ? stop_reason(i) : LEDGER_USED;
	case MF_EXIT_HOST:
	case MF_EXIT_SNAPSHOT:
	case MF_EXIT_NO_SNAPSHOT:
	default:
		break;
	}
	return LEDGER_HOST;
}

static enum ledger_reason death_reason(const struct instance *i)
{
	if (i->timed_out)
		return LEDGER_TIMEOUT;
	if (i->exited)
		return exit_reason(i);
	if (i->exit.reason == MF_EXIT_OOM)
		return LEDGER_OUT_OF_MEMORY;
	if (i->monitor_killed)
		return LEDGER_KILLED;
	return i->stopping ? stop_reason(i) : LEDGER_HOST;
}

/* Our own doing in words; the monitor only knows that we did. */
static const char *why_ended(const struct instance *i,
			     enum ledger_reason reason)
{
	static const char *const words[LEDGER_REASON_COUNT] = {
		[LEDGER_USED] = "it had served its request",
		[LEDGER_IDLE] = "it had no request for its idle time",
		[LEDGER_EVICTED] = "memory was wanted for others",
		[LEDGER_DRAINED] = "its version, or the platform, was stopped",
		[LEDGER_OPERATOR] = "it was asked to end",
		[LEDGER_BROKEN] = "it did not answer as it should",
	};

	if (i->exited && i->exit.reason != MF_EXIT_PARENT)
		return i->why;
	if (i->note && i->stopping)
		return i->note;
	return words[reason] ? words[reason] : i->why;
}

void dispatch_died(struct instance *i)
{
	struct dispatch *d = i->dispatch;
	const bool crash = i->crash[0];
	struct ledger_death death = {
		.id = i->life.id,
		.reason = death_reason(i),
		.status = i->exit.status,
		.backtrace = crash ? i->crash : NULL,
	};

	death.why = why_ended(i, death.reason);
	if (death.reason == LEDGER_CRASH && WIFSIGNALED((int)i->exit.status))
		death.signal = (uint32_t)WTERMSIG((int)i->exit.status);
	if (i->exited)
		ledger_death_stats(&death, &i->exit.stats);
	ledger_death(d->ledger, &death);
	metrics_add(d->metrics, METRIC_DEATHS,
		    LABELS(name_of(i), ledger_reason_word(death.reason)), 1);
	metrics_add(d->metrics, METRIC_INSTANCE_CPU, LABELS(name_of(i)),
		    (double)death.cpu_us / 1e6);
}

/* ---- what instances tell ------------------------------------------------- */

void dispatch_started(struct instance *i)
{
	static const char *const phases[MF_PHASE_COUNT] = {
		[MF_PHASE_SETUP] = "setup", [MF_PHASE_VM] = "vm",
		[MF_PHASE_JAIL] = "jail",   [MF_PHASE_BOOT] = "boot",
		[MF_PHASE_READY] = "ready",
	};
	struct dispatch *d = i->dispatch;
	struct ledger_start s = {
		.id = i->life.id,
		.total_us = (now(d) - i->life.born_ns) / 1000,
	};
	struct sched_counts c;

	sched_pool_counts(i->pool->sched, &c);
	if (c.waiting)
		s.queue_us = (now(d) - c.oldest_ns) / 1000;
	memcpy(s.phase_us, i->life.phase_us, sizeof(s.phase_us));
	ledger_started(d->ledger, &s);
	for (int p = 0; p < MF_PHASE_COUNT; p++)
		metrics_observe(d->metrics, METRIC_START_SECONDS,
				LABELS(name_of(i), phases[p]),
				(double)s.phase_us[p] / 1e6);
	metrics_observe(d->metrics, METRIC_START_SECONDS,
			LABELS(name_of(i), "total"), (double)s.total_us / 1e6);
}

void dispatch_ready(struct instance *i)
{
	if (i->life.begun)
		dispatch_started(i);
	sched_ready(&i->sched, now(i->dispatch));
	dispatch_tick_soon(i->dispatch);
}

void dispatch_over(struct instance *i)
{
	struct dispatch *d = i->dispatch;

	if (i->failed) {
		snprintf(i->pool->last_failure, sizeof(i->pool->last_failure),
			 "%s", i->why);
		metrics_add(d->metrics, METRIC_START_FAILURES,
			    LABELS(name_of(i)), 1);
	}
	if (i->scheduled)
		sched_gone(&i->sched, i->failed, now(d));
	dispatch_tick_soon(d);
}

void dispatch_ready_later(struct instance *i)
{
	loop_defer(i->dispatch->loop, &i->ready_soon);
}

void dispatch_forget(struct instance *i)
{
	i->pool->instances--;
	dispatch_tick_soon(i->dispatch);
}

void dispatch_unhealthy(struct instance *i, const char *why)
{
	struct dispatch *d = i->dispatch;

	logs_say(d->logs, &i->err_log.source, "the instance is ended: %s", why);
	i->note = why;
	sched_stop_one(&i->sched, SCHED_STOP_BROKEN, now(d));
	dispatch_tick_soon(d);
}

void dispatch_connect(struct instance *i, const struct mf_ctl_connect *q)
{
	struct dispatch *d = i->dispatch;

	/* What the broker says of it is of this instance. */
	i->pool->asking = i;
	if (!egress_connect(i->plan->egress, i->vm->ctl, q))
		metrics_add(d->metrics, METRIC_EGRESS_DENIED,
			    LABELS(name_of(i)), 1);
	i->pool->asking = NULL;
}

/* ---- what the scheduler wants -------------------------------------------- */

static struct sched_instance *op_start(void *ctx, struct sched_pool *sp)
{
	struct pool *p = sched_pool_owner(sp);
	struct dispatch *d = ctx;
	struct instance *i;
	struct err e;

	if (d->draining)
		return NULL;
	if (instance_new(&i, d, p, &e) < 0) {
		const struct log_source s = {
			.function = p->version->function->name,
			.version = p->version->number,
			.stream = "platform",
		};

		snprintf(p->last_failure, sizeof(p->last_failure), "%s",
			 e.text);
		logs_say(d->logs, &s, "no instance: %s", e.text);
		return NULL;
	}
	i->scheduled = true;
	p->instances++;
	return &i->sched;
}

static struct instance *instance_of(struct sched_instance *si)
{
	return container_of(si, struct instance, sched);
}

static void op_stop(void *ctx, struct sched_instance *si, enum sched_stop why)
{
	(void)ctx;
	instance_stop(instance_of(si), why);
}

static void op_recycle(void *ctx, struct sched_instance *si)
{
	struct instance *i = instance_of(si);
	struct dispatch *d = ctx;

	if (i->given_up)
		sched_stop_one(si, SCHED_STOP_USED, now(d));
	else
		instance_recycle(i);
}

static void count_refusal(struct dispatch *d, struct dispatch_request *r,
			  int status)
{
	char text[8];

	snprintf(text, sizeof(text), "%d", status);
	metrics_add(d->metrics, METRIC_REFUSED,
		    LABELS(r->version->function->name, text), 1);
}

static void refuse(struct dispatch *d, struct dispatch_request *r, int status,
		   const char *why, uint32_t retry_after_s)
{
	count_refusal(d, r, status);
	r->refused(r, status, retry_after_s, why);
}

static void op_assign(void *ctx, struct sched_request *sr)
{
	struct dispatch_request *r =
		container_of(sr, struct dispatch_request, sched);
	struct instance *i = instance_of(sr->instance);
	struct dispatch *d = ctx;
	struct err e;

	r->instance = i;
	r->assigned_ns = now(d);
	r->told_end = false;
	instance_ref(i);
	list_add_tail(&i->requests, &r->node);
	metrics_observe(d->metrics, METRIC_QUEUE_SECONDS, LABELS(name_of(i)),
			(double)(now(d) - sr->submitted_ns) / 1e9);
	if (i->plan->version->spec.mode == FUNCTION_STDIO &&
	    instance_fill(i, r->env, &e) < 0)
		logs_say(d->logs, &i->err_log.source, "%s", e.text);
	instance_log_for(i);
	r->assigned(r);
}

static void op_refuse(void *ctx, struct sched_request *sr,
		      enum sched_refusal why, uint64_t retry_after_ns)
{
	struct dispatch_request *r =
		container_of(sr, struct dispatch_request, sched);
	uint32_t after_s =
		(uint32_t)((retry_after_ns + 999999999) / 1000000000);
	const struct pool *p = sched_pool_owner(sr->pool);
	struct dispatch *d = ctx;
	char text[600];

	switch (why) {
	case SCHED_POOL_FULL:
		refuse(d, r, 429, "too many requests wait for this function",
		       after_s);
		return;
	case SCHED_ALL_FULL:
		refuse(d, r, 503, "too many requests wait", after_s);
		return;
	case SCHED_FAILING:
		snprintf(text, sizeof(text),
			 "instances of the function fail again and again: %s",
			 p->last_failure);
		refuse(d, r, 503, text, after_s);
		return;
	case SCHED_TOO_LATE:
		snprintf(text, sizeof(text), "no instance in time%s%s",
			 p->last_failure[0] ? ": " : "", p->last_failure);
		refuse(d, r, 504, text, after_s);
		return;
	case SCHED_REMOVED:
		break;
	}
	refuse(d, r, 503, "the function is being taken away", after_s);
}

const struct sched_ops dispatch_ops = {
	.start = op_start,
	.stop = op_stop,
	.recycle = op_recycle,
	.assign = op_assign,
	.refuse = op_refuse,
};

/* ---- requests ------------------------------------------------------------ */

void dispatch_submit(struct dispatch *d, struct dispatch_request *r)
{
	struct pool *p;
	struct err e;

	r->instance = NULL;
	if (d->draining) {
		refuse(d, r, 503, "the platform is going down", 1);
		return;
	}
	p = dispatch_pool(d, r->version, &e);
	if (!p) {
		refuse(d, r, 503, e.text, 0);
		return;
	}
	p->last_trigger = r->trigger;
	sched_submit(p->sched, &r->sched, now(d));
	dispatch_tick_soon(d);
}

static void tell_run(struct dispatch *d, const struct dispatch_request *r,
		     const struct dispatch_outcome *o)
{
	const struct ledger_run run = {
		.id = r->instance->life.id,
		.request = r->id,
		.trigger = trigger_words[r->trigger],
		.queue_us = (r->assigned_ns - r->arrived_ns) / 1000,
		.duration_us = (now(d) - r->arrived_ns) / 1000,
		.status = o->status,
		.bytes_in = o->bytes_in,
		.bytes_out = o->bytes_out,
	};

	ledger_run(d->ledger, &run);
}

void dispatch_done(struct dispatch *d, struct dispatch_request *r,
		   const struct dispatch_outcome *o)
{
	struct instance *i = r->instance;

	loop_clock_ns(d->loop);
	tell_run(d, r, o);
	list_del(&r->node);
	if (o->status && o->status < 500)
		i->life.served++;
	if (o->keep)
		instance_keep(i, o->keep);
	i->given_up |= o->given_up;
	instance_log_for(i);
	r->instance = NULL;
	sched_done(&r->sched, o->broken, now(d));
	instance_unref(i);
	dispatch_tick_soon(d);
}

void dispatch_cancel(struct dispatch *d, struct dispatch_request *r)
{
	const struct dispatch_outcome gone = { .broken = true };

	if (r->instance)
		dispatch_done(d, r, &gone);
	else
		sched_cancel(&r->sched);
	dispatch_tick_soon(d);
}

const char *dispatch_start_kind(const struct dispatch_request *r)
{
	const struct instance *i = r->instance;

	if (!i || i->life.ready_ns < r->arrived_ns)
		return NULL;
	return instance_how(i);
}
