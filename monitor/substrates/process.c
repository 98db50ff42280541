/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process substrate: the guest runs in a child process whose address
 * space is the guest's and whose only system calls are the gate's. Needs no
 * /dev/kvm. This file is the monitor's side; process_child.c makes the
 * child, process_gate.S is what of ours stays in it, process_filter.c is the
 * wall around it.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "monitor/substrates/process.h"

#define HWCAP2_FSGSBASE 2u /* AT_HWCAP2 */
#define ONE_CPU_NS	(100u * 1000 * 1000) /* then choose anew */

/* process_gate.S knows these. */
_Static_assert(MF_SHARED_VA - MF_GATE_VA == 0x11000, "SHARED");
_Static_assert(MF_WINDOW_VA == 0x707f00000000, "gate_enter");
_Static_assert(MF_DIRECT_VA == 0x700000000000, "gate_enter");
_Static_assert(MF_IMAGE_VA == 0x704000000000, "gate_enter");
_Static_assert(MF_IMAGE_GPA == 1ull << 38, "gate_map");
_Static_assert(MF_GATE_SIZE == 0x2000, "gate_tick");
_Static_assert(offsetof(struct mf_shared, doorbell) == 20, "SH_DOORBELL");
_Static_assert(offsetof(struct mf_shared, ret) == 56, "SH_RET");
_Static_assert(offsetof(struct mf_shared, upcall_config.upcall_stack) == 72,
	       "SH_UPCALL_STACK");
_Static_assert(offsetof(struct mf_shared, upcall_config.kernel_lo) == 80,
	       "SH_KERNEL_LO");
_Static_assert(offsetof(struct mf_shared, upcall_config.restart_lo) == 96,
	       "SH_RESTART_LO");
_Static_assert(offsetof(struct mf_shared, upcall_config.restart_rip) == 112,
	       "SH_RESTART_RIP");
_Static_assert(offsetof(struct mf_shared, upcall.regs) == 152, "SH_REGS");
_Static_assert(offsetof(struct mf_regs, rip) == 128, "upcall");
_Static_assert(offsetof(struct mf_regs, rsp) == 152, "upcall");
_Static_assert(DOORBELL_RUNG == 0x80000000u &&
		       DOORBELL_GUEST_SLEEPS == 0x40000000u,
	       "process_gate.S");

static struct process {
	pid_t pid;
	int pidfd;
	_Atomic uint32_t *doorbell; /* in guest memory: read once */
	bool started; /* the guest has been entered */
	bool serving; /* a ring was reported and is not answered */
	uint64_t tick_ns; /* host CLOCK_MONOTONIC of the next tick */
	bool rang; /* since the last tick */
	cpu_set_t cpus; /* those we were given */
	bool can_share; /* more than one, and we may choose */
	bool one_cpu; /* guest and monitor are kept on one of them */
	uint64_t one_cpu_ns; /* host CLOCK_MONOTONIC: since when */
} process;

uint64_t process_gate_va(const uint8_t *symbol)
{
	return MF_GATE_VA + (uint64_t)(symbol - process_gate_start);
}

/* ---- making the child ---------------------------------------------------- */

static void build_gate(struct instance *inst)
{
	struct mf_boot *b = (struct mf_boot *)(inst->mem.ram + MF_BOOT_GPA);
	size_t len = (size_t)(process_gate_end - process_gate_start);

	memcpy(inst->mem.ram + MF_GATE_GPA, process_gate_start, len);
	b->gate = (struct mf_gate){
		.doorbell = process_gate_va(process_gate_doorbell),
		.map = process_gate_va(process_gate_map),
		.unmap = process_gate_va(process_gate_unmap),
		.protect = process_gate_va(process_gate_protect),
		.discard = process_gate_va(process_gate_discard),
	};
}

static int process_create(struct instance *inst, struct err *e)
{
	if (!(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE))
		return err_set(e, ENOTSUP,
			       "the process substrate needs a CPU and a kernel "
			       "with FSGSBASE (Linux 5.9 or later)");
	inst->substrate_state = &process;
	return 0;
}

static int process_attach(struct instance *inst, struct err *e)
{
	struct process *p = inst->substrate_state;
	pid_t parent = getpid();
	long pid;

	/* What is opened for reading cannot be mapped for writing. */
	if ((fcntl(inst->image_fd, F_GETFL) & O_ACCMODE) != O_RDONLY)
		return err_set(e, EINVAL,
			       "the image must be opened for reading only");
	p->doorbell = (_Atomic uint32_t *)&inst->shared->doorbell;
	p->can_share = sched_getaffinity(0, sizeof(p->cpus), &p->cpus) == 0 &&
		       CPU_COUNT(&p->cpus) > 1;
	build_gate(inst);
	/* Not fork(): what it would prepare for the child is not used. */
	pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &p->pidfd, NULL,
		      0);
	if (pid == 0)
		process_child(inst, parent);
	if (pid < 0)
		return err_sys(e, errno, "cannot make the guest's process");
	p->pid = (pid_t)pid;
	inst->watch_fd = p->pidfd;
	return 0;
}

/* ---- why it ended -------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static void
dead(struct vm_exit *ret, enum vm_exit_kind kind, const char *fmt, ...)
{
	va_list ap;

	ret->kind = kind;
	va_start(ap, fmt);
	vsnprintf(ret->reason, sizeof(ret->reason), fmt, ap);
	va_end(ap);
}

static void explain_signal(int signal, struct vm_exit *ret)
{
	switch (signal) {
	case SIGSYS:
		dead(ret, VM_EXIT_DEAD,
		     "the guest asked the host for a system call it may not "
		     "make, and seccomp killed it");
		break;
	case SIGSEGV:
	case SIGBUS:
	case SIGILL:
		dead(ret, VM_EXIT_DEAD,
		     "the guest destroyed its own gate or signal stack "
		     "(signal %d)",
		     signal);
		break;
	case SIGKILL:
		dead(ret, VM_EXIT_HOST,
		     "its process was killed from outside (SIGKILL; the host "
		     "may be out of memory)");
		break;
	default:
		dead(ret, VM_EXIT_HOST, "its process was killed by signal %d",
		     signal);
		break;
	}
}

/* True if the child has ended; it stays to be reaped by fini. */
static bool child_is_dead(struct process *p, struct vm_exit *ret)
{
	siginfo_t info = { 0 };

	if (waitid(P_PIDFD, (id_t)p->pidfd, &info,
		   WEXITED | WNOHANG | WNOWAIT) < 0 ||
	    !info.si_pid)
		return false;
	if (info.si_code == CLD_EXITED)
		dead(ret, VM_EXIT_HOST, "its process ended with status %d",
		     info.si_status);
	else
		explain_signal(info.si_status, ret);
	return true;
}

/* ---- one CPU for both ---------------------------------------------------- */

/*
 * Guest and monitor take turns. On one CPU a turn is a switch of 2 to 3 us;
 * waking the other one on an idle CPU takes ten times as long where that CPU
 * has to be fetched out of its sleep. So both are kept where the monitor is,
 * until the guest computes for a whole tick, and never for longer than
 * ONE_CPU_NS: then the scheduler may choose a better place.
 */
static void share_cpu(struct process *p, uint64_t now)
{
	int cpu = sched_getcpu();
	cpu_set_t one;

	CPU_ZERO(&one);
	if (cpu >= 0)
		CPU_SET(cpu, &one);
	p->one_cpu_ns = now;
	p->one_cpu = sched_setaffinity(p->pid, sizeof(one), &one) == 0 &&
		     sched_setaffinity(0, sizeof(one), &one) == 0;
	p->can_share = p->one_cpu;
}

static void part(struct process *p)
{
	sched_setaffinity(p->pid, sizeof(p->cpus), &p->cpus);
	sched_setaffinity(0, sizeof(p->cpus), &p->cpus);
	p->one_cpu = false;
}

static void choose_cpu(struct process *p, uint64_t now)
{
	if (!p->one_cpu && p->can_share)
		share_cpu(p, now);
	else if (p->one_cpu && now - p->one_cpu_ns > ONE_CPU_NS)
		part(p);
}

/* ---- the doorbell -------------------------------------------------------- */

static long futex(_Atomic uint32_t *word, int op, uint32_t value,
		  const struct timespec *timeout)
{
	return syscall(SYS_futex, word, op, value, timeout, NULL, 0);
}

static void answer(struct process *p)
{
	uint32_t old = atomic_exchange(p->doorbell, 0);

	if (old & DOORBELL_GUEST_SLEEPS)
		futex(p->doorbell, FUTEX_WAKE, 1, NULL);
}

/* The word with DOORBELL_RUNG, or 0 when it is time for a tick. */
static uint32_t wait_for_ring(struct process *p)
{
	struct timespec left = { 0, 0 };
	uint32_t word = atomic_load(p->doorbell);
	uint64_t now;

	for (;;) {
		if (word & DOORBELL_RUNG)
			return word;
		now = host_mono_ns();
		if (now >= p->tick_ns)
			return 0;
		left.tv_nsec = (long)(p->tick_ns - now);
		if (atomic_compare_exchange_strong(
			    p->doorbell, &word, word | DOORBELL_MONITOR_SLEEPS))
			futex(p->doorbell, FUTEX_WAIT,
			      word | DOORBELL_MONITOR_SLEEPS, &left);
		word = atomic_load(p->doorbell);
	}
}

/* The gate rang by itself. */
static void handle_gate_ring(struct instance *inst, uint32_t op,
			     struct vm_exit *ret)
{
	struct process *p = inst->substrate_state;
	uint64_t error = inst->shared->arg[0];
	uint64_t step = inst->shared->arg[1];

	if (!p->started && op == DOORBELL_FAILED)
		dead(ret, VM_EXIT_HOST, "the guest's process could not %s: %s",
		     process_child_step(step), strerror((int)error));
	else if (op == DOORBELL_NO_PAGE)
		dead(ret, VM_EXIT_HOST,
		     "the host could not supply a page of the guest's memory "
		     "or of its image");
	else if (op < DOORBELL_NO_PAGE)
		dead(ret, VM_EXIT_DEAD,
		     "exception %u before the kernel was ready", op & 0xff);
}

static void process_run(struct instance *inst, struct vm_exit *ret)
{
	struct process *p = inst->substrate_state;
	uint64_t now = host_mono_ns();
	uint32_t word, op;

	if (p->serving) {
		choose_cpu(p, now);
		answer(p);
	}
	p->serving = false;
	/* After a long sleep there is nobody to preempt yet. */
	if (now > p->tick_ns + TICK_NS || !p->tick_ns)
		p->tick_ns = now + TICK_NS;
	for (;;) {
		word = wait_for_ring(p);
		op = word & DOORBELL_OP;
		if (word && !p->started && op == DOORBELL_STARTED) {
			p->started = true;
			choose_cpu(p, now);
			answer(p);
			continue;
		}
		if (word)
			break;
		if (p->one_cpu && !p->rang)
			part(p);
		p->rang = false;
		p->tick_ns = host_mono_ns() + TICK_NS;
		ret->kind = VM_EXIT_TICK;
		child_is_dead(p, ret);
		return;
	}
	p->serving = p->rang = true;
	ret->kind = VM_EXIT_DOORBELL;
	ret->doorbell = op;
	if (op >= DOORBELL_GATE)
		handle_gate_ring(inst, op, ret);
}

static int process_upcall_tick(struct instance *inst)
{
	struct process *p = inst->substrate_state;

	/* In the gate it would only be told to look at `pending`. */
	if (!p->started || (atomic_load(p->doorbell) & DOORBELL_RUNG)) {
		atomic_store(&inst->shared->pending, 1);
		return 0;
	}
	if (syscall(SYS_pidfd_send_signal, p->pidfd, PROCESS_TICK_SIGNAL, NULL,
		    0) < 0 &&
	    errno != ESRCH)
		return -errno;
	return 0;
}

/* The gate's system calls change the translations themselves. */
static int process_flush(struct instance *inst)
{
	(void)inst;
	return 0;
}

/* All of ram_max is mapped from the start. */
static int process_grow(struct instance *inst, uint64_t size)
{
	(void)inst;
	(void)size;
	return 0;
}

static uint64_t process_tsc_offset(struct instance *inst)
{
	(void)inst;
	return 0;
}

static void process_fini(struct instance *inst)
{
	struct process *p = inst->substrate_state;
	siginfo_t info;

	syscall(SYS_pidfd_send_signal, p->pidfd, SIGKILL, NULL, 0);
	while (waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED) < 0 &&
	       errno == EINTR)
		;
}

const struct substrate_ops substrate_process = {
	.name = "process",
	.paging = MF_PAGING_GATE,
	.shared_ram = true,
	.open_attach = true,
	.create = process_create,
	.attach = process_attach,
	.run = process_run,
	.upcall_tick = process_upcall_tick,
	.flush = process_flush,
	.grow = process_grow,
	.tsc_offset = process_tsc_offset,
	.fini = process_fini,
};
