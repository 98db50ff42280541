/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of a trace. A line is begun when a call begins and finished when it
 * returns; what comes between finishes it as "unfinished". Records are well
 * formed, but their order is the guest's word and may be nonsense.
 */
#include "cli/trace_print.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "cli/trace_call.h"

#define NS_PER_SEC    1000000000ull
#define RESULT_COLUMN 40

struct trace_thread {
	struct trace_thread *next;
	uint32_t tid;
	bool in_call;
	uint32_t nr; /* of that call */
	uint64_t enter_ns;
	uint64_t before[MF_CALL_ARGS]; /* of INOUT arguments */
};

void trace_printer_init(struct trace_printer *p, const struct trace_style *s)
{
	memset(p, 0, sizeof(*p));
	p->style = *s;
}

/* ---- threads ------------------------------------------------------------ */

static struct trace_thread **slot(struct trace_printer *p, uint32_t tid)
{
	struct trace_thread **at = &p->threads[tid % 256];

	while (*at && (*at)->tid != tid)
		at = &(*at)->next;
	return at;
}

/* NULL if there are too many: its calls are then shown from their ends. */
static struct trace_thread *thread_get(struct trace_printer *p, uint32_t tid)
{
	struct trace_thread **at = slot(p, tid);

	if (*at || p->thread_count >= TRACE_THREADS_MAX)
		return *at;
	*at = calloc(1, sizeof(**at));
	if (*at) {
		(*at)->tid = tid;
		p->several |= ++p->thread_count > 1;
	}
	return *at;
}

static void thread_drop(struct trace_printer *p, uint32_t tid)
{
	struct trace_thread **at = slot(p, tid);
	struct trace_thread *t = *at;

	if (!t)
		return;
	*at = t->next;
	free(t);
	p->several = --p->thread_count > 1;
}

void trace_printer_fini(struct trace_printer *p)
{
	for (unsigned i = 0; i < 256; i++)
		while (p->threads[i])
			thread_drop(p, p->threads[i]->tid);
	text_fini(&p->out);
}

/* ---- lines -------------------------------------------------------------- */

static void put_stamp(struct trace_printer *p, uint64_t ns)
{
	uint64_t real = ns + p->real_offset_ns;
	time_t sec = (time_t)(real / NS_PER_SEC);
	unsigned usec = (unsigned)(real % NS_PER_SEC / 1000);
	struct tm tm;
	char clock[16] = "";

	if (p->style.stamp == TRACE_STAMP_EPOCH) {
		text_printf(&p->out, "%lld.%06u ", (long long)sec, usec);
		return;
	}
	if (localtime_r(&sec, &tm))
		strftime(clock, sizeof(clock), "%T", &tm);
	text_puts(&p->out, clock);
	if (p->style.stamp == TRACE_STAMP_MICRO)
		text_printf(&p->out, ".%06u", usec);
	text_puts(&p->out, " ");
}

static void put_relative(struct trace_printer *p, uint64_t ns)
{
	uint64_t us = p->last_ns && ns > p->last_ns ? (ns - p->last_ns) / 1000 :
						      0;

	text_printf(&p->out, "%6llu.%06llu ", (unsigned long long)us / 1000000,
		    (unsigned long long)us % 1000000);
}

/* The begin of a line; finishes the one that is open. */
static void leader(struct trace_printer *p, const struct mf_trace_record *h)
{
	size_t start;

	if (p->open)
		text_puts(&p->out, " <unfinished ...>\n");
	p->open = false;
	start = p->out.len;
	if (p->style.thread_always)
		text_printf(&p->out, "%-5u ", h->tid);
	else if (p->several)
		text_printf(&p->out, "[pid %5u] ", h->tid);
	if (p->style.stamp)
		put_stamp(p, h->time_ns);
	if (p->style.relative)
		put_relative(p, h->time_ns);
	p->last_ns = h->time_ns;
	p->column = p->out.len - start;
}

static void put_name(struct text *t, uint32_t nr)
{
	const char *name = trace_call_name(nr);

	if (name)
		text_puts(t, name);
	else
		text_printf(t, "syscall_%#x", nr);
}

static void pad_to_result(struct trace_printer *p)
{
	if (p->column < RESULT_COLUMN)
		text_printf(&p->out, "%*s", (int)(RESULT_COLUMN - p->column),
			    "");
	text_puts(&p->out, "= ");
}

/* ---- calls -------------------------------------------------------------- */

static struct trace_call call_of(struct trace_printer *p,
				 const struct trace_event *ev,
				 const struct trace_thread *t)
{
	bool exiting = ev->head.kind == MF_TRACE_EXIT;
	int64_t ret = exiting ? ev->head.ret : 0;

	return (struct trace_call){
		.ev = ev,
		.row = trace_row(ev->head.nr),
		.arg = ev->head.arg,
		.before = t && t->in_call ? t->before : NULL,
		.ret = ret,
		.failed = ret < 0 && ret > -4096,
		.text_max = p->style.text_max,
		.out = &p->out,
	};
}

/* What INOUT arguments are before the call. */
static void keep_before(const struct trace_call *c, struct trace_thread *t)
{
	for (unsigned i = 0; i < MF_CALL_ARGS; i++) {
		unsigned kind = MF_ARG_KIND_OF(c->row->args[i]);
		bool is_msg = kind == MF_ARG_KIND_OUT_MSG;
		uint16_t size = is_msg ? 4 : trace_rules[kind].size;

		t->before[i] = 0;
		if (trace_rules[kind].when == MF_ARG_INOUT && size <= 8 &&
		    !trace_get(c, c->arg[i] + (is_msg ? 8 : 0), &t->before[i],
			       size))
			t->before[i] = 0;
	}
}

/* Whether arguments remain for the call's end. */
static bool more_args(const struct trace_call *c, unsigned from)
{
	for (unsigned i = from; i < MF_CALL_ARGS; i++)
		if (MF_ARG_KIND_OF(c->row->args[i]) && !trace_arg_hidden(c, i))
			return true;
	return false;
}

static void begin_line(struct trace_printer *p, const struct trace_call *c)
{
	unsigned split = trace_row_split(c->row);
	size_t start;

	leader(p, &c->ev->head);
	start = p->out.len;
	put_name(&p->out, c->ev->head.nr);
	text_puts(&p->out, "(");
	if (trace_put_args(c, 0, split) && more_args(c, split))
		text_puts(&p->out, ", ");
	p->column += p->out.len - start;
	p->open_tid = c->ev->head.tid;
	p->open = true;
}

static void on_enter(struct trace_printer *p, const struct trace_event *ev)
{
	struct trace_thread *t = thread_get(p, ev->head.tid);
	struct trace_call c = call_of(p, ev, NULL);

	if (t) {
		t->in_call = true;
		t->nr = ev->head.nr;
		t->enter_ns = ev->head.time_ns;
		keep_before(&c, t);
	}
	if (p->style.lines)
		begin_line(p, &c);
}

static void count(struct trace_printer *p, const struct trace_call *c,
		  uint64_t wall_ns)
{
	uint32_t nr = c->ev->head.nr;
	struct trace_count *n =
		&p->counts[nr < MF_TRACE_CALLS ? nr : MF_TRACE_CALLS - 1];

	n->calls++;
	n->errors += c->failed;
	n->ns += p->style.wall_clock ? wall_ns : c->ev->head.cpu_ns;
}

static void resume_line(struct trace_printer *p, const struct trace_call *c)
{
	const struct mf_trace_record *h = &c->ev->head;
	size_t start;

	if (p->open && p->open_tid == h->tid)
		return;
	leader(p, h);
	start = p->out.len;
	text_puts(&p->out, "<... ");
	put_name(&p->out, h->nr);
	text_puts(&p->out, " resumed>");
	p->column += p->out.len - start;
}

static void end_line(struct trace_printer *p, const struct trace_call *c,
		     uint64_t wall_ns)
{
	size_t start;

	resume_line(p, c);
	start = p->out.len;
	trace_put_args(c, trace_row_split(c->row), MF_CALL_ARGS);
	text_puts(&p->out, ") ");
	p->column += p->out.len - start;
	pad_to_result(p);
	trace_put_result(c);
	text_printf(&p->out, " <%llu.%06llu>\n",
		    (unsigned long long)(wall_ns / NS_PER_SEC),
		    (unsigned long long)(wall_ns % NS_PER_SEC / 1000));
	p->open = false;
}

static void on_exit_of(struct trace_printer *p, const struct trace_event *ev)
{
	struct trace_thread *t = thread_get(p, ev->head.tid);
	bool known = t && t->in_call && t->nr == ev->head.nr;
	struct trace_call c = call_of(p, ev, known ? t : NULL);
	uint64_t wall_ns = 0;

	if (known && ev->head.time_ns > t->enter_ns)
		wall_ns = ev->head.time_ns - t->enter_ns;
	count(p, &c, wall_ns);
	if (p->style.lines)
		end_line(p, &c, wall_ns);
	if (t)
		t->in_call = false;
}

/* ---- signals and ends --------------------------------------------------- */

static void on_signal(struct trace_printer *p, const struct trace_event *ev)
{
	uint32_t sig = ev->head.nr;

	if (!p->style.lines || sig < 1 || sig > 64 ||
	    !(p->style.signals >> (sig - 1) & 1))
		return;
	leader(p, &ev->head);
	text_puts(&p->out, "--- ");
	trace_put_signal(&p->out, sig);
	text_puts(&p->out, " ");
	trace_put_signal_record(&p->out, &ev->head);
	text_puts(&p->out, " ---\n");
}

/* A call that never returns: exit, or what another thread's exit ended. */
static void end_in_call(struct trace_printer *p, const struct trace_event *ev,
			const struct trace_thread *t)
{
	struct trace_event as_exit = *ev;
	struct trace_call c;

	as_exit.head.nr = t->nr;
	c = call_of(p, &as_exit, NULL);
	resume_line(p, &c);
	text_puts(&p->out, ") ");
	p->column += 2;
	pad_to_result(p);
	text_puts(&p->out, "?\n");
	p->open = false;
}

static void on_end(struct trace_printer *p, const struct trace_event *ev)
{
	const struct trace_thread *t = *slot(p, ev->head.tid);
	int status = (int)ev->head.ret;

	if (!p->style.lines) {
		thread_drop(p, ev->head.tid);
		return;
	}
	if (t && t->in_call)
		end_in_call(p, ev, t);
	leader(p, &ev->head);
	if (WIFEXITED(status)) {
		text_printf(&p->out, "+++ exited with %d +++\n",
			    WEXITSTATUS(status));
	} else {
		text_puts(&p->out, "+++ killed by ");
		trace_put_signal(&p->out, (uint64_t)(status & 0x7f));
		text_puts(&p->out, " +++\n");
	}
	thread_drop(p, ev->head.tid);
}

void trace_printer_event(void *arg, const struct trace_event *ev)
{
	struct trace_printer *p = arg;

	switch ((enum mf_trace_kind)ev->head.kind) {
	case MF_TRACE_START:
		p->real_offset_ns = ev->head.arg[1] - ev->head.time_ns;
		p->last_ns = ev->head.time_ns;
		p->several = ev->head.arg[2] > 1;
		break;
	case MF_TRACE_ENTER:
		on_enter(p, ev);
		break;
	case MF_TRACE_EXIT:
		on_exit_of(p, ev);
		break;
	case MF_TRACE_SIGNAL:
		on_signal(p, ev);
		break;
	case MF_TRACE_END:
		on_end(p, ev);
		break;
	}
}

/* ---- the table ---------------------------------------------------------- */

static int more_time(const void *a, const void *b)
{
	const struct trace_count *x = *(struct trace_count *const *)a;
	const struct trace_count *y = *(struct trace_count *const *)b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	if (x->calls != y->calls)
		return x->calls < y->calls ? 1 : -1;
	return x < y ? -1 : 1;
}

static void put_count(struct text *t, const struct trace_count *n,
		      const struct trace_count *total)
{
	double percent = total->ns ? 100.0 * (double)n->ns / (double)total->ns :
				     0.0;
	unsigned long long each = n->calls ? n->ns / 1000 / n->calls : 0;

	text_printf(t, "%6.2f %11.6f %11llu %9llu ", percent,
		    (double)n->ns / 1e9, each, (unsigned long long)n->calls);
	if (n->errors)
		text_printf(t, "%9llu ", (unsigned long long)n->errors);
	else
		text_printf(t, "%9s ", "");
}

static void put_counts(struct trace_printer *p)
{
	static const char rule[] = "------ ----------- ----------- --------- "
				   "--------- ----------------\n";
	const struct trace_count *order[MF_TRACE_CALLS];
	struct trace_count total = { 0 };
	size_t used = 0;

	for (size_t i = 0; i < MF_TRACE_CALLS; i++) {
		if (!p->counts[i].calls)
			continue;
		order[used++] = &p->counts[i];
		total.calls += p->counts[i].calls;
		total.errors += p->counts[i].errors;
		total.ns += p->counts[i].ns;
	}
	qsort(order, used, sizeof(order[0]), more_time);
	text_puts(&p->out, "% time     seconds  usecs/call     calls    "
			   "errors syscall\n");
	text_puts(&p->out, rule);
	for (size_t i = 0; i < used; i++) {
		put_count(&p->out, order[i], &total);
		put_name(&p->out, (uint32_t)(order[i] - p->counts));
		text_puts(&p->out, "\n");
	}
	text_puts(&p->out, rule);
	put_count(&p->out, &total, &total);
	text_puts(&p->out, "total\n");
}

void trace_printer_end(struct trace_printer *p)
{
	if (p->open)
		text_puts(&p->out, " <unfinished ...>\n");
	p->open = false;
	if (p->style.counts)
		put_counts(p);
}
