/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop's side: records into the journal, questions to the thread and
 * answers back. The thread's side is import.c. What both use is in struct
 * ledger_shared, under its lock; the thread wakes the loop by an eventfd.
 */
#include "daemon/ledger/ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/ledger/import.h"
#include "daemon/ledger/journal.h"
#include "host/cleanup.h"
#include "host/log.h"
#include "lib/list.h"

#define JOBS_MAX	    64
#define RETRY_NS	    1000000000ull
#define FLUSH_BYTES	    (256u << 10) /* not even until the round's end */
#define MEMORY_MAX_DEFAULT  (8u << 20)
#define JOURNAL_MAX_DEFAULT (256ull << 20)

struct ledger {
	struct loop *loop;
	struct loop_task flush;
	struct loop_timer retry;
	struct loop_watch answers;
	struct journal journal;
	int dir_fd;
	uint64_t journal_max;
	uint64_t written; /* bytes of segments so far, of this process */
	uint64_t records, dropped;
	bool failing, dropping; /* and it was said */
	unsigned open_jobs;
	struct metrics_source source;
	struct import import;
};

static uint64_t realtime_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- writing ------------------------------------------------------------- */

static void say_failing(struct ledger *l, int error)
{
	if (!l->failing)
		log_say("the ledger cannot be written (%s); make room on the "
			"disk of the state directory. Functions go on",
			strerror(-error));
	l->failing = true;
}

static void say_well(struct ledger *l)
{
	if (l->failing)
		log_say("the ledger is written again; %llu records were lost",
			(unsigned long long)l->dropped);
	l->failing = false;
	l->dropping = false;
}

void ledger_flush(struct ledger *l)
{
	struct journal_mark before = l->journal.end;
	int r;

	loop_undefer(l->loop, &l->flush);
	if (l->journal.unwritten.len == 0)
		return;
	r = import_backlog(&l->import) < l->journal_max ?
		    journal_write(&l->journal) :
		    -ENOSPC;
	if (l->journal.end.segment != before.segment)
		before.offset = 0;
	import_add(&l->import, l->journal.end,
		   l->journal.end.offset - before.offset);
	if (r == 0) {
		say_well(l);
		return;
	}
	say_failing(l, r);
	loop_timer_set(l->loop, &l->retry, loop_now_ns(l->loop) + RETRY_NS);
}

static void on_flush(struct loop_task *t)
{
	ledger_flush(container_of(t, struct ledger, flush));
}

static void on_retry(struct loop_timer *t)
{
	ledger_flush(container_of(t, struct ledger, retry));
}

static void add(struct ledger *l, struct record *r)
{
	if (r->at_ms == 0)
		r->at_ms = realtime_ms();
	l->records++;
	if (journal_append(&l->journal, r) < 0) {
		l->dropped++;
		if (!l->dropping)
			log_say("the ledger has no room for more records, "
				"they are lost from now on");
		l->dropping = true;
		return;
	}
	/* While the disk is full the timer tries again. */
	if (l->failing)
		return;
	if (l->journal.unwritten.len > FLUSH_BYTES)
		ledger_flush(l);
	else
		loop_defer(l->loop, &l->flush);
}

void ledger_birth(struct ledger *l, const struct ledger_birth *b)
{
	struct record r = {
		.kind = RECORD_BIRTH,
		.at_ms = b->born_ms,
		.num = { [BIRTH_VERSION] = b->version,
			 [BIRTH_MEMORY] = b->memory_bytes },
		.text = { [BIRTH_FUNCTION] = b->function,
			  [BIRTH_TRIGGER] = b->trigger,
			  [BIRTH_SUBSTRATE] = b->substrate,
			  [BIRTH_HOW] = b->how },
	};

	record_id(r.id, b->id);
	add(l, &r);
}

void ledger_started(struct ledger *l, const struct ledger_start *s)
{
	struct record r = {
		.kind = RECORD_START,
		.at_ms = s->ready_ms,
		.num = { [START_QUEUE] = s->queue_us,
			 [START_TOTAL] = s->total_us },
	};

	memcpy(&r.num[START_PHASE], s->phase_us, sizeof(s->phase_us));
	record_id(r.id, s->id);
	add(l, &r);
}

void ledger_run(struct ledger *l, const struct ledger_run *run)
{
	struct record r = {
		.kind = RECORD_RUN,
		.at_ms = run->arrived_ms,
		.num = { [RUN_QUEUE] = run->queue_us,
			 [RUN_DURATION] = run->duration_us,
			 [RUN_STATUS] = run->status,
			 [RUN_IN] = run->bytes_in,
			 [RUN_OUT] = run->bytes_out },
		.text = { [RUN_REQUEST] = run->request,
			  [RUN_TRIGGER] = run->trigger },
	};

	if (r.at_ms == 0)
		r.at_ms = realtime_ms() - run->duration_us / 1000;
	record_id(r.id, run->id);
	add(l, &r);
}

void ledger_death(struct ledger *l, const struct ledger_death *d)
{
	struct record r = {
		.kind = RECORD_DEATH,
		.at_ms = d->died_ms,
		.num = { [DEATH_REASON] = d->reason,
			 [DEATH_SIGNAL] = d->signal,
			 [DEATH_STATUS] = d->status,
			 [DEATH_CPU] = d->cpu_us,
			 [DEATH_RUN] = d->run_us,
			 [DEATH_MEM_PEAK] = d->mem_peak_bytes,
			 [DEATH_IN] = d->bytes_in,
			 [DEATH_OUT] = d->bytes_out,
			 [DEATH_SYSCALLS] = d->syscalls },
		.text[DEATH_WHY] = d->why,
		.text[DEATH_BACKTRACE] = d->backtrace,
	};

	record_id(r.id, d->id);
	add(l, &r);
}

void ledger_death_stats(struct ledger_death *d, const struct mf_ctl_stats *s)
{
	d->cpu_us = s->cpu_us;
	d->run_us = s->run_us;
	d->mem_peak_bytes = s->mem_peak_bytes;
	d->bytes_in = s->bytes_in;
	d->bytes_out = s->bytes_out;
	d->syscalls = 0;
	for (size_t i = 0; i < MF_STATS_SYSCALLS; i++)
		d->syscalls += s->guest.syscalls[i];
}

/* ---- questions ----------------------------------------------------------- */

static int ask(struct ledger *l, struct ledger_call *c,
	       const struct ledger_query *q, bool totals)
{
	struct ledger_job *job;

	if (l->open_jobs >= JOBS_MAX)
		return -EBUSY;
	job = calloc(1, sizeof(*job));
	if (!job)
		return -ENOMEM;
	job->call = c;
	job->query = *q;
	job->totals = totals;
	c->job = job;
	l->open_jobs++;
	ledger_flush(l);
	import_ask(&l->import, job);
	return 0;
}

int ledger_history(struct ledger *l, struct ledger_call *c,
		   const struct ledger_query *q)
{
	return ask(l, c, q, false);
}

int ledger_totals(struct ledger *l, struct ledger_call *c,
		  const struct ledger_query *q)
{
	return ask(l, c, q, true);
}

void ledger_cancel(struct ledger *l, struct ledger_call *c)
{
	(void)l;
	if (c->job)
		c->job->call = NULL;
	c->job = NULL;
}

static void on_answers(struct loop_watch *w, uint32_t events)
{
	struct ledger *l = container_of(w, struct ledger, answers);
	struct ledger_job *job;
	struct ledger_call *c;
	uint64_t count;

	(void)events;
	if (read(l->import.event_fd, &count, sizeof(count)) < 0)
		return;
	while ((job = import_answered(&l->import))) {
		l->open_jobs--;
		c = job->call;
		if (c) {
			c->job = NULL;
			c->done(c, take_ptr(job->text), job->len,
				job->error.code ? &job->error : NULL);
		}
		free(job->text);
		free(job);
	}
}

/* ---- opening ------------------------------------------------------------- */

void ledger_facts(const struct ledger *l, struct ledger_facts *ret)
{
	*ret = (struct ledger_facts){
		.records = l->records,
		.dropped = l->dropped,
		.failing = l->failing,
	};
	import_facts(&l->import, ret);
}

static void collect(struct metrics_source *source, struct metrics *m)
{
	struct ledger *l = container_of(source, struct ledger, source);
	struct ledger_facts f;

	ledger_facts(l, &f);
	metrics_set(m, METRIC_LEDGER_RECORDS, NO_LABELS, (double)f.records);
	metrics_set(m, METRIC_LEDGER_DROPPED, NO_LABELS, (double)f.dropped);
	metrics_set(m, METRIC_LEDGER_DAMAGED, NO_LABELS, (double)f.damaged);
	metrics_set(m, METRIC_LEDGER_JOURNAL, NO_LABELS,
		    (double)f.journal_bytes);
	metrics_set(m, METRIC_LEDGER_FAILING, NO_LABELS, f.failing);
}

void ledger_set_metrics(struct ledger *l, struct metrics *m)
{
	l->source.collect = collect;
	metrics_source_add(m, &l->source);
}

static int start(struct ledger *l, const char *state_dir,
		 const struct ledger_limits *limits, struct err *e)
{
	uint32_t last;
	int r = journal_dir_open(&l->dir_fd, state_dir, e);

	if (r == 0)
		r = import_open(&l->import, state_dir, l->dir_fd, limits, e);
	if (r < 0)
		return r;
	r = import_recover(&l->import, &last, e);
	if (r < 0)
		return r;
	journal_init(&l->journal, l->dir_fd, last);
	l->journal.unwritten_max = limits && limits->memory_bytes_max ?
					   limits->memory_bytes_max :
					   MEMORY_MAX_DEFAULT;
	l->journal_max = limits && limits->journal_bytes_max ?
				 limits->journal_bytes_max :
				 JOURNAL_MAX_DEFAULT;
	r = loop_watch(l->loop, &l->answers, l->import.event_fd, EPOLLIN);
	if (r < 0)
		return err_sys(e, -r, "cannot watch the ledger");
	return import_start(&l->import, e);
}

int ledger_open(struct ledger **ret, const char *state_dir, struct loop *loop,
		const struct ledger_limits *limits, struct err *e)
{
	struct ledger *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return err_set(e, ENOMEM, "out of memory");
	l->loop = loop;
	l->flush.run = on_flush;
	l->retry.fire = on_retry;
	l->answers.ready = on_answers;
	l->dir_fd = -1;
	l->journal.fd = -1;
	l->import.event_fd = -1;
	r = start(l, state_dir, limits, e);
	if (r < 0) {
		ledger_close(l);
		return r;
	}
	*ret = l;
	return 0;
}

void ledger_close(struct ledger *l)
{
	if (!l)
		return;
	if (l->import.running)
		ledger_flush(l);
	loop_undefer(l->loop, &l->flush);
	loop_timer_cancel(l->loop, &l->retry);
	loop_unwatch(&l->answers);
	metrics_source_remove(&l->source);
	import_close(&l->import);
	journal_fini(&l->journal);
	if (l->dir_fd >= 0)
		close(l->dir_fd);
	free(l);
}
