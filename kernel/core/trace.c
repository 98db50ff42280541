/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trace's buffer and its records. Records gather in one buffer, which is
 * handed to the monitor when it is full, before the vCPU idles, at ticks and
 * at the end; the guest waits until the reader has it, so nothing is lost.
 * When the reader has gone, tracing ends and the program goes on.
 */
#include "core/trace.h"

#include "arch.h"
#include "core/alloc.h"
#include "core/cputime.h"
#include "core/signal.h"
#include "core/thread.h"
#include "core/time.h"

#define BUF_ORDER      5
#define CALL_SIGRETURN 15

_Static_assert(PAGE_SIZE << BUF_ORDER == MF_TRACE_BUF_SIZE, "BUF_ORDER");

uint64_t trace_plain_calls = MF_STATS_SYSCALLS;

static struct {
	char *buf; /* NULL: there is no tracing */
	uint32_t len; /* bytes gathered */
	uint32_t seq; /* of the configuration in force, 0: none yet */
	struct mf_trace_config config;
} trace;

static void stop(void)
{
	if (trace.buf)
		page_free(trace.buf, BUF_ORDER);
	trace.buf = NULL;
	trace.len = 0;
	trace_plain_calls = MF_STATS_SYSCALLS;
}

bool trace_unsent(void)
{
	return trace.len != 0;
}

void trace_flush(void)
{
	uint32_t len = trace.len;

	if (!len)
		return;
	trace.len = 0;
	kernel_shared->arg[0] = kva_gpa(trace.buf).v;
	kernel_shared->arg[1] = len;
	kernel_shared->arg[2] = trace.seq;
	if (arch_doorbell(MF_DB_TRACE) < 0)
		stop();
}

/* ---- records ------------------------------------------------------------ */

/* False if there is no tracing (any more). */
static bool record_begin(struct trace_record *ret, enum mf_trace_kind kind,
			 const struct thread *t)
{
	if (trace.len > MF_TRACE_BUF_SIZE - MF_TRACE_RECORD_MAX)
		trace_flush();
	if (!trace.buf)
		return false;
	ret->head = (struct mf_trace_record *)(void *)(trace.buf + trace.len);
	ret->text_max = trace.config.text_max;
	*ret->head = (struct mf_trace_record){
		.size = sizeof(*ret->head),
		.kind = (uint16_t)kind,
		.tid = (uint32_t)t->tid,
		.time_ns = time_mono_ns(),
	};
	return true;
}

static void record_done(const struct trace_record *t)
{
	trace.len += t->head->size;
	/* So that a program that only computes is not forgotten. */
	atomic_store_explicit(&kernel_shared->want_tick, 1,
			      memory_order_relaxed);
}

uint64_t trace_room(const struct trace_record *t)
{
	uint64_t used = t->head->size + sizeof(struct mf_trace_mem);

	return used < MF_TRACE_RECORD_MAX ? MF_TRACE_RECORD_MAX - used : 0;
}

void trace_add(struct trace_record *t, uint64_t addr, uint64_t len)
{
	struct mf_trace_mem *m =
		(struct mf_trace_mem *)(void *)((char *)t->head +
						t->head->size);
	uint64_t padded = ALIGN_UP(len, 8);

	if (!len || padded > trace_room(t))
		return;
	*m = (struct mf_trace_mem){ .addr = addr, .len = (uint32_t)len };
	memcpy(m + 1, (const void *)(uintptr_t)addr, len);
	memset((char *)(m + 1) + len, 0, padded - len);
	t->head->size += (uint32_t)(sizeof(*m) + padded);
	t->head->mem_count++;
}

/* ---- calls -------------------------------------------------------------- */

static bool wanted(uint64_t nr)
{
	nr = min_u64(nr, MF_TRACE_CALLS - 1);
	return trace.config.calls[nr / 64] >> (nr % 64) & 1;
}

static void fill_args(struct trace_record *rec, const struct mf_regs *r)
{
	struct mf_trace_record *h = rec->head;

	h->arg[0] = r->rdi;
	h->arg[1] = r->rsi;
	h->arg[2] = r->rdx;
	h->arg[3] = r->r10;
	h->arg[4] = r->r8;
	h->arg[5] = r->r9;
	if (h->nr == CALL_SIGRETURN) /* it has none but its frame */
		h->arg[0] = r->rsp + MF_ARG_SIGMASK_OFF;
}

static bool enter(struct thread *t, const struct mf_regs *r)
{
	struct trace_record rec;

	if (!wanted(r->orig_rax) || !record_begin(&rec, MF_TRACE_ENTER, t))
		return false;
	rec.head->nr = (uint32_t)min_u64(r->orig_rax, UINT32_MAX);
	fill_args(&rec, r);
	if (!(trace.config.flags & MF_TRACE_BRIEF))
		trace_args_copy(&rec, false);
	record_done(&rec);
	t->trace_seq = trace.seq;
	t->trace_nr = rec.head->nr;
	t->trace_cpu_ns = cputime_thread(t);
	return true;
}

bool trace_enter(struct mf_regs *r)
{
	return trace.buf && enter(current, r);
}

void trace_exit(const struct mf_regs *r)
{
	struct thread *t = current;
	bool ours = trace.buf && t->trace_seq == trace.seq;
	struct trace_record rec;

	t->trace_seq = 0;
	if (!ours || !record_begin(&rec, MF_TRACE_EXIT, t))
		return;
	rec.head->nr = t->trace_nr;
	fill_args(&rec, r);
	rec.head->ret = (int64_t)r->rax;
	rec.head->cpu_ns = cputime_thread(t) - t->trace_cpu_ns;
	if (!(trace.config.flags & MF_TRACE_BRIEF))
		trace_args_copy(&rec, true);
	record_done(&rec);
}

void trace_signal(const struct ksiginfo *info)
{
	struct trace_record rec;

	if (!trace.buf || !record_begin(&rec, MF_TRACE_SIGNAL, current))
		return;
	rec.head->nr = (uint32_t)info->signo;
	rec.head->arg[0] = (uint64_t)info->code;
	rec.head->arg[1] = (uint64_t)info->pid;
	rec.head->arg[2] = (uint64_t)info->uid;
	rec.head->arg[3] = info->value;
	record_done(&rec);
}

void trace_end(const struct thread *t, int wait_status)
{
	struct trace_record rec;

	if (!trace.buf || !record_begin(&rec, MF_TRACE_END, t))
		return;
	rec.head->ret = wait_status;
	record_done(&rec);
}

/* ---- on and off --------------------------------------------------------- */

/* What threads are waiting in is the first thing to be known. */
static void record_sleepers(void)
{
	struct list *pos;

	list_for_each(pos, &thread_all) {
		struct thread *t = container_of(pos, struct thread, all_node);
		const struct mf_regs *r = arch_frame(t->kstack_top);

		if (t->state == THREAD_SLEEPING && r->orig_rax != UINT64_MAX)
			enter(t, r);
	}
	signal_update_exit_work();
}

static void start(void)
{
	struct trace_record rec;

	trace.buf = page_alloc(BUF_ORDER);
	if (!trace.buf) {
		klog("no memory to trace system calls");
		return;
	}
	trace_plain_calls = 0;
	if (!record_begin(&rec, MF_TRACE_START, current))
		return;
	rec.head->arg[0] = MF_TRACE_MAGIC;
	rec.head->arg[1] = time_real_ns();
	rec.head->arg[2] = thread_count;
	record_done(&rec);
	record_sleepers();
}

void trace_poll(void)
{
	struct mf_trace_shared *s = &kernel_shared->trace;
	struct mf_trace_config config;
	uint32_t seq = atomic_load_explicit(&s->seq, memory_order_acquire);

	if (likely(seq == trace.seq) || seq % 2)
		return;
	config = s->config;
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(&s->seq, memory_order_relaxed) != seq)
		return; /* being written; the monitor will say so again */
	stop();
	trace.seq = seq;
	trace.config = config;
	if (config.flags & MF_TRACE_ON)
		start();
}
