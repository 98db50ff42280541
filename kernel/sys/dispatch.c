/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a system call's number to its handler. What has no row in
 * syscalls.def is ENOSYS and is named in the log once, with the place of the
 * call: users must never guess.
 */
#include "arch.h"
#include "core/sched.h"
#include "core/stubs.h"
#include "core/trace.h"
#include "sys/syscall.h"

static const syscall_fn table[MF_STATS_SYSCALLS] = {
#define SYSCALL(nr, name) [nr] = sys_##name,
#include "sys/syscalls.def"
#undef SYSCALL
};

#define SEEN_BITS 1024
static uint64_t seen[SEEN_BITS / 64]; /* numbers already named in the log */

static long unimplemented(const struct mf_regs *r, uint64_t nr)
{
	uint64_t bit = nr < SEEN_BITS ? nr : SEEN_BITS - 1;

	if (!(seen[bit / 64] & (1ull << (bit % 64)))) {
		seen[bit / 64] |= 1ull << (bit % 64);
		klog("system call %lu is not implemented, called at %#lx: "
		     "the program gets ENOSYS",
		     nr, stub_call_site(r));
	}
	return -ENOSYS;
}

/* A call that is traced, or that there is not. */
static void dispatch_slowly(struct mf_regs *r)
{
	uint64_t nr = r->orig_rax;
	bool traced = trace_enter(r);
	long ret;

	if (nr < MF_STATS_SYSCALLS && table[nr]) {
		kernel_stats->syscalls[nr]++;
		ret = table[nr](r);
	} else {
		ret = unimplemented(r, nr);
	}
	r->rax = (uint64_t)ret;
	if (traced)
		trace_exit(r);
	if (ret == -ERESTARTSYS)
		arch_set_exit_work(true);
}

void syscall_dispatch(struct mf_regs *r)
{
	uint64_t nr = r->orig_rax;
	long ret;

	if (unlikely(nr >= trace_plain_calls || !table[nr])) {
		dispatch_slowly(r);
		return;
	}
	kernel_stats->syscalls[nr]++;
	ret = table[nr](r);
	r->rax = (uint64_t)ret;
	if (unlikely(ret == -ERESTARTSYS))
		arch_set_exit_work(true);
}
