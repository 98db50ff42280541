/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of an instance in words. A program that exits, or dies of a signal
 * that we passed on, needs none.
 */
#include "cli/report.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/cmd.h"
#include "launch/crash_text.h"

static void print_registers(const struct mf_regs *g)
{
	const struct {
		const char *name;
		uint64_t value;
	} regs[] = {
		{ "rip", g->rip }, { "rsp", g->rsp }, { "rfl", g->rflags },
		{ "rax", g->rax }, { "rbx", g->rbx }, { "rcx", g->rcx },
		{ "rdx", g->rdx }, { "rsi", g->rsi }, { "rdi", g->rdi },
		{ "rbp", g->rbp }, { "r8", g->r8 },   { "r9", g->r9 },
		{ "r10", g->r10 }, { "r11", g->r11 }, { "r12", g->r12 },
		{ "r13", g->r13 }, { "r14", g->r14 }, { "r15", g->r15 },
	};
	char line[128];
	size_t i, len = 0;

	for (i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
		len += (size_t)snprintf(line + len, sizeof(line) - len,
					"  %-3s %016llx", regs[i].name,
					(unsigned long long)regs[i].value);
		if (i % 3 == 2) {
			log_say("%s", line);
			len = 0;
		}
	}
}

static void print_backtrace(const struct report *r)
{
	static char text[BACKTRACE_TEXT_MAX];
	char *line, *rest = text;

	backtrace_text(text, &r->out->backtrace, r->out->backtrace_len, r->img);
	while ((line = strsep(&rest, "\n")) && *line)
		log_say("  called from %s", line);
}

static void print_crash(const struct report *r)
{
	const struct mf_crash *c = &r->out->crash;
	char text[CRASH_TEXT_MAX];

	crash_text(text, c, r->img);
	log_say("%s crashed: %s", r->name, text);
	if (r->one_of_many)
		return;
	print_registers(&c->regs);
	print_backtrace(r);
}

static int end_by_exit(const struct report *r)
{
	int status = (int)WEXITSTATUS(r->out->exit.status);

	if (r->one_of_many && (status || !r->out->signals))
		log_say("%s ended with status %d", r->name, status);
	return status;
}

static int end_by_signal(const struct report *r)
{
	unsigned signal = WTERMSIG(r->out->exit.status);

	if (r->out->crashed)
		print_crash(r);
	else if (signal > 64 || !(r->out->signals >> (signal - 1) & 1))
		log_say("%s was ended by %s", r->name,
			crash_signal_name(signal));
	return STATUS_SIGNAL + (int)signal;
}

static int end_by_monitor(const struct report *r)
{
	int status = r->out->monitor_status;

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		log_say("the monitor of %s was killed by its jail: it made a "
			"system call that is not on its list (please report "
			"this)",
			r->name);
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL &&
		 r->out->host_oom) {
		log_say("the monitor of %s was ended by the host, whose memory "
			"ran out",
			r->name);
		return STATUS_OOM;
	} else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		log_say("the monitor of %s was ended by SIGKILL, which came "
			"from outside",
			r->name);
	else if (WIFSIGNALED(status))
		log_say("the monitor of %s was ended by %s", r->name,
			crash_signal_name((unsigned)WTERMSIG(status)));
	else
		log_say("the monitor of %s ended with status %d and gave no "
			"reason",
			r->name, WEXITSTATUS(status));
	return STATUS_FAILED;
}

static int end_by_memory(const struct report *r)
{
	const struct run_snapshot *s = r->options->snapshot;
	bool copy = s && s->kind == MF_START_COPY;
	uint64_t need = r->img->manifest.memory_bytes;
	uint64_t limit = r->options->memory_bytes;

	if (limit == 0)
		limit = need > RUN_MEMORY_DEFAULT ? need : RUN_MEMORY_DEFAULT;
	if (copy)
		limit = s->facts.mem_limit;
	log_say("%s ran out of memory: %s (limit %llum; %s)", r->name,
		r->out->reason, (unsigned long long)(limit >> 20),
		copy ? "a snapshot taken with a higher --memory raises it" :
		       "--memory raises it");
	return STATUS_OOM;
}

static int end_by_reason(const struct report *r)
{
	const struct outcome *out = r->out;

	switch ((enum mf_exit_reason)out->exit.reason) {
	case MF_EXIT_FINISHED:
		return WIFSIGNALED(out->exit.status) ? end_by_signal(r) :
						       end_by_exit(r);
	case MF_EXIT_SIGNAL:
		return end_by_signal(r);
	case MF_EXIT_OOM:
		return end_by_memory(r);
	case MF_EXIT_CONTRACT:
		log_say("%s was ended because its guest broke the contract: "
			"%s",
			r->name, out->reason);
		return STATUS_FAILED;
	case MF_EXIT_PANIC:
		log_say("the guest kernel of %s gave up: %s", r->name,
			out->reason);
		return STATUS_FAILED;
	case MF_EXIT_HOST:
		log_say("cannot run %s: %s", r->name, out->reason);
		return STATUS_FAILED;
	case MF_EXIT_SNAPSHOT:
		return STATUS_OK;
	case MF_EXIT_NO_SNAPSHOT:
		log_say("no snapshot of %s can be taken: %s", r->name,
			out->reason);
		return STATUS_FAILED;
	case MF_EXIT_PARENT:
		break;
	}
	log_say("%s was ended: %s", r->name, out->reason);
	return STATUS_FAILED;
}

static bool taking_snapshot(const struct report *r)
{
	const struct run_snapshot *s = r->options->snapshot;

	return s && s->kind == MF_START_SNAPSHOT;
}

int report_end(const struct report *r)
{
	uint64_t ms = r->options->timeout_ms;

	if (r->out->timed_out && taking_snapshot(r)) {
		log_say("%s did not come to the point of its snapshot within "
			"%llu.%03llu s and was killed",
			r->name, (unsigned long long)(ms / 1000),
			(unsigned long long)(ms % 1000));
		return STATUS_TIMEOUT;
	}
	if (r->out->timed_out) {
		log_say("%s did not end within %llu.%03llu s and was killed",
			r->name, (unsigned long long)(ms / 1000),
			(unsigned long long)(ms % 1000));
		return STATUS_TIMEOUT;
	}
	if (r->out->interrupted) {
		log_say("%s was killed at the second SIGINT", r->name);
		return STATUS_SIGNAL + SIGINT;
	}
	if (!r->out->exited)
		return end_by_monitor(r);
	return end_by_reason(r);
}
