/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals in words: numbers, sets, actions, what came with one, and the
 * stack that handlers run on.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/trace_call.h"

#define SIG_COUNT   64u
#define RTMIN	    32u /* Linux's; the C library keeps some for itself */
#define SA_RESTORES 0x04000000u /* SA_RESTORER */

/* "INT", "RTMIN", "RT_3"; a number if there is no such signal. */
static const char *short_name(char buf[16], uint64_t sig)
{
	const char *name = NULL;

	if (sig > 0 && sig < RTMIN)
		name = sigabbrev_np((int)sig);
	if (name)
		snprintf(buf, 16, "%s", name);
	else if (sig == RTMIN)
		snprintf(buf, 16, "RTMIN");
	else if (sig > RTMIN && sig <= SIG_COUNT)
		snprintf(buf, 16, "RT_%u", (unsigned)sig - RTMIN);
	else
		snprintf(buf, 16, "%d", (int)sig);
	return buf;
}

void trace_put_signal(struct text *t, uint64_t sig)
{
	char buf[16];

	text_printf(t, "%s%s", sig > 0 && sig <= SIG_COUNT ? "SIG" : "",
		    short_name(buf, sig));
}

TRACE_ARG(signal)
{
	(void)with;
	trace_put_signal(c->out, (uint32_t)c->arg[i]);
}

/* Sets that hold most signals are shown by what they lack. */
void trace_put_sigset(struct text *t, uint64_t set)
{
	bool most = (unsigned)__builtin_popcountll(set) >= SIG_COUNT * 2 / 3;
	uint64_t shown = most ? ~set : set;
	const char *between = "";
	char buf[16];

	text_puts(t, most ? "~[" : "[");
	for (unsigned sig = 1; sig <= SIG_COUNT; sig++) {
		if (!(shown >> (sig - 1) & 1))
			continue;
		text_printf(t, "%s%s", between, short_name(buf, sig));
		between = " ";
	}
	text_puts(t, "]");
}

TRACE_ARG(sigset)
{
	uint64_t set;

	(void)with;
	if (trace_get_arg(c, i, &set, sizeof(set)))
		trace_put_sigset(c->out, set);
}

TRACE_ARG(sigframe)
{
	uint64_t set;

	(void)with;
	if (!trace_get(c, c->arg[i], &set, sizeof(set)))
		return;
	text_puts(c->out, "{mask=");
	trace_put_sigset(c->out, set);
	text_puts(c->out, "}");
}

TRACE_ARG(pselect_mask)
{
	uint64_t arg[2], set;

	(void)with;
	if (!trace_get_arg(c, i, arg, sizeof(arg)))
		return;
	text_puts(c->out, "{sigmask=");
	if (trace_get(c, arg[0], &set, sizeof(set)))
		trace_put_sigset(c->out, set);
	else
		text_addr(c->out, arg[0]);
	text_printf(c->out, ", sigsetsize=%llu}", (unsigned long long)arg[1]);
}

/* As the system call takes it; 64 bytes. */
struct kernel_sigevent {
	uint64_t value;
	uint32_t signo, notify;
	union {
		int32_t thread_id;
		uint64_t function[2]; /* and its attributes */
		uint64_t pad[6];
	} to;
};

TRACE_ARG(sigevent)
{
	struct kernel_sigevent e;

	(void)with;
	if (!trace_get_arg(c, i, &e, sizeof(e)))
		return;
	text_puts(c->out, "{");
	if (e.value)
		text_printf(c->out,
			    "sigev_value={sival_int=%d, sival_ptr=%#llx}, ",
			    (int)e.value, (unsigned long long)e.value);
	text_puts(c->out, "sigev_signo=");
	if (e.notify == SIGEV_SIGNAL || e.notify == SIGEV_THREAD ||
	    e.notify == SIGEV_THREAD_ID)
		trace_put_signal(c->out, e.signo);
	else
		text_printf(c->out, "%u", e.signo);
	text_puts(c->out, ", sigev_notify=");
	trace_put_set(c->out, TRACE_SET_sigev, e.notify);
	if (e.notify == SIGEV_THREAD_ID) {
		text_printf(c->out, ", sigev_notify_thread_id=%d",
			    e.to.thread_id);
	} else if (e.notify == SIGEV_THREAD) {
		text_puts(c->out, ", sigev_notify_function=");
		text_addr(c->out, e.to.function[0]);
		text_puts(c->out, ", sigev_notify_attributes=");
		text_addr(c->out, e.to.function[1]);
	}
	text_puts(c->out, "}");
}

/* As the system call takes it. */
struct kernel_sigaction {
	uint64_t handler, flags, restorer, mask;
};

TRACE_ARG(sigaction)
{
	static const char *const special[] = { "SIG_DFL", "SIG_IGN" };
	struct kernel_sigaction a;

	(void)with;
	if (!trace_get_arg(c, i, &a, sizeof(a)))
		return;
	if (a.handler < 2)
		text_printf(c->out, "{sa_handler=%s", special[a.handler]);
	else
		text_printf(c->out, "{sa_handler=%#llx",
			    (unsigned long long)a.handler);
	text_puts(c->out, ", sa_mask=");
	trace_put_sigset(c->out, a.mask);
	text_puts(c->out, ", sa_flags=");
	trace_put_set(c->out, TRACE_SET_sa, (uint32_t)a.flags);
	if (a.flags & SA_RESTORES)
		text_printf(c->out, ", sa_restorer=%#llx",
			    (unsigned long long)a.restorer);
	text_puts(c->out, "}");
}

TRACE_ARG(stack)
{
	stack_t s;

	(void)with;
	if (!trace_get_arg(c, i, &s, sizeof(s)))
		return;
	text_puts(c->out, "{ss_sp=");
	text_addr(c->out, (uintptr_t)s.ss_sp);
	text_puts(c->out, ", ss_flags=");
	trace_put_set(c->out, TRACE_SET_ss, (uint32_t)s.ss_flags);
	text_printf(c->out, ", ss_size=%zu}", s.ss_size);
}

/* ---- what came with a signal -------------------------------------------- */

/* What is shown of struct siginfo. */
struct info {
	int32_t signo, code;
	int32_t pid, uid;
	uint64_t addr; /* si_addr of a fault */
	uint64_t value; /* si_value */
};

static unsigned code_set(const struct info *s)
{
	if (s->code <= 0 || s->code == SI_KERNEL)
		return TRACE_SET_si_code;
	switch (s->signo) {
	case SIGSEGV:
		return TRACE_SET_segv_code;
	case SIGBUS:
		return TRACE_SET_bus_code;
	case SIGILL:
		return TRACE_SET_ill_code;
	case SIGFPE:
		return TRACE_SET_fpe_code;
	case SIGTRAP:
		return TRACE_SET_trap_code;
	default:
		return TRACE_SET_si_code;
	}
}

static bool is_fault(const struct info *s)
{
	return s->code > 0 && (s->signo == SIGSEGV || s->signo == SIGBUS ||
			       s->signo == SIGILL || s->signo == SIGFPE ||
			       s->signo == SIGTRAP);
}

static void put_info(struct text *t, const struct info *s)
{
	text_puts(t, "{si_signo=");
	trace_put_signal(t, (uint64_t)s->signo);
	text_puts(t, ", si_code=");
	trace_put_set(t, code_set(s), (uint32_t)s->code);
	if (is_fault(s)) {
		text_puts(t, ", si_addr=");
		text_addr(t, s->addr);
	} else if (s->code != SI_KERNEL) {
		text_printf(t, ", si_pid=%d, si_uid=%d", s->pid, s->uid);
		if (s->code == SI_QUEUE) {
			text_printf(t, ", si_int=%d, si_ptr=", (int)s->value);
			text_addr(t, s->value);
		}
	}
	text_puts(t, "}");
}

void trace_put_siginfo(struct text *t, const void *info)
{
	const char *p = info;
	struct info s;

	memcpy(&s.signo, p, 4);
	memcpy(&s.code, p + 8, 4);
	memcpy(&s.pid, p + 16, 4);
	memcpy(&s.uid, p + 20, 4);
	memcpy(&s.addr, p + 16, 8);
	memcpy(&s.value, p + 24, 8);
	put_info(t, &s);
}

void trace_put_signal_record(struct text *t, const struct mf_trace_record *r)
{
	struct info s = {
		.signo = (int32_t)r->nr,
		.code = (int32_t)r->arg[0],
		.pid = (int32_t)r->arg[1],
		.uid = (int32_t)r->arg[2],
		.addr = r->arg[3],
		.value = r->arg[3],
	};

	put_info(t, &s);
}

TRACE_ARG(siginfo)
{
	char info[128];

	(void)with;
	if (trace_get_arg(c, i, info, sizeof(info)))
		trace_put_siginfo(c->out, info);
}
