/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the seccomp filters of the monitor's jail, one per substrate: every
 * system call a monitor may make once the guest runs, with its reason. Runs
 * when Mayfly is built and prints C; libseccomp does the work here, so that
 * no start has to wait for it.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monitor/substrates/process.h"

#define CODE_MAX 1024

struct rule {
	int nr;
	const char *why;
	/*
	 * The bits `mask` of argument number `arg` must be `value`. All that
	 * are compared are ints to Linux; C libraries differ in how they fill
	 * the upper half.
	 */
	bool compare;
	unsigned arg;
	uint32_t mask, value;
};

/* `arg` `is` the value that the call must have. */
#define ONLY(arg_nr, is)       true, (arg_nr), UINT32_MAX, (is)
#define BITS(arg_nr, mask, is) true, (arg_nr), (mask), (is)
#define ANY		       false, 0, 0, 0

static const struct rule kvm_rules[] = {
	{ SCMP_SYS(ioctl), "enter the guest", ONLY(1, KVM_RUN) },
	{ SCMP_SYS(ioctl), "read what a trap or tick interrupted",
	  ONLY(1, KVM_GET_REGS) },
	{ SCMP_SYS(ioctl), "enter an upcall", ONLY(1, KVM_SET_REGS) },
	{ SCMP_SYS(ioctl), "read the address of a page fault",
	  ONLY(1, KVM_GET_SREGS) },
	{ SCMP_SYS(ioctl), "back to ring 3; flush translations",
	  ONLY(1, KVM_SET_SREGS) },
	{ SCMP_SYS(ioctl), "before an exception is injected",
	  ONLY(1, KVM_GET_VCPU_EVENTS) },
	{ SCMP_SYS(ioctl), "an instruction KVM cannot emulate is undefined",
	  ONLY(1, KVM_SET_VCPU_EVENTS) },
	{ SCMP_SYS(ioctl), "the guest's RAM grows",
	  ONLY(1, KVM_SET_USER_MEMORY_REGION) },
	{ SCMP_SYS(ioctl), "the first registers", ONLY(1, KVM_SET_MSRS) },
	{ SCMP_SYS(ioctl), "the guest's time", ONLY(1, KVM_GET_MSRS) },
	{ SCMP_SYS(ioctl), "which vector state there is",
	  ONLY(1, KVM_SET_XCRS) },
	{ SCMP_SYS(ioctl), "what a reset puts back", ONLY(1, KVM_GET_XSAVE) },
	{ SCMP_SYS(ioctl), "what a reset puts back", ONLY(1, KVM_GET_LAPIC) },
	{ SCMP_SYS(ioctl), "what a reset puts back",
	  ONLY(1, KVM_GET_DEBUGREGS) },
	{ SCMP_SYS(ioctl), "what a reset puts back",
	  ONLY(1, KVM_GET_MP_STATE) },
	{ SCMP_SYS(ioctl), "which MSRs a reset puts back",
	  ONLY(1, KVM_GET_MSR_INDEX_LIST) },
	{ SCMP_SYS(ioctl), "a reset: the interrupt controller",
	  ONLY(1, KVM_SET_LAPIC) },
	{ SCMP_SYS(ioctl), "a reset: debug registers",
	  ONLY(1, KVM_SET_DEBUGREGS) },
	{ SCMP_SYS(ioctl), "a reset: a vCPU that runs",
	  ONLY(1, KVM_SET_MP_STATE) },
	{ SCMP_SYS(ioctl), "a reset: vector state", ONLY(1, KVM_SET_XSAVE) },
	/* The guest is made in the jail, of memory that is no program. */
	{ SCMP_SYS(mmap), "RAM, image and snapshot", BITS(2, PROT_EXEC, 0) },
	{ SCMP_SYS(brk), "the C library's memory", ANY },
	{ SCMP_SYS(epoll_create1), "what the rings wait with", ANY },
	{ SCMP_SYS(rt_sigaction), "a closed console is an error of the call",
	  ANY },
	{ SCMP_SYS(getsockname), "the family of a published UDP port", ANY },
	{ SCMP_SYS(getrandom), "what a guest begins with", ANY },
	{ SCMP_SYS(rt_sigtimedwait), "take the tick off the queue", ANY },
};

static const struct rule process_rules[] = {
	{ SCMP_SYS(futex), "sleep on the doorbell", ONLY(1, FUTEX_WAIT) },
	{ SCMP_SYS(futex), "answer the doorbell", ONLY(1, FUTEX_WAKE) },
	{ SCMP_SYS(pidfd_send_signal), "preempt the guest",
	  ONLY(1, PROCESS_TICK_SIGNAL) },
	{ SCMP_SYS(pidfd_send_signal), "end the guest", ONLY(1, SIGKILL) },
	{ SCMP_SYS(sched_setaffinity), "guest and monitor on one CPU", ANY },
	{ SCMP_SYS(getcpu), "on which one, where the C library asks", ANY },
	{ SCMP_SYS(waitid), "how the guest's process ended", ONLY(0, P_PIDFD) },
};

static const struct rule common_rules[] = {
	{ SCMP_SYS(sendmsg), "report to the parent", ONLY(0, MF_CTL_FD) },
	{ SCMP_SYS(recvmsg), "the parent's commands, with descriptors",
	  ONLY(0, MF_CTL_FD) },
	{ SCMP_SYS(madvise), "give freed memory of the guest back", ANY },
	{ SCMP_SYS(pread64), "which memory the guest uses (statm, pagemap)",
	  ANY },
	{ SCMP_SYS(pwrite64), "write the snapshot that was asked for", ANY },
	{ SCMP_SYS(fstat), "the same, of a memfd", ANY },
	{ SCMP_SYS(newfstatat), "fstat of C libraries",
	  ONLY(3, AT_EMPTY_PATH) },
	{ SCMP_SYS(getrusage), "the CPU time for the final report", ANY },
	{ SCMP_SYS(rt_sigreturn), "return from a signal handler", ANY },
	{ SCMP_SYS(restart_syscall), "go on after SIGSTOP and SIGCONT", ANY },
	{ SCMP_SYS(exit_group), "the end", ANY },
};

static int add(scmp_filter_ctx ctx, const struct rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct rule *r = &rules[i];
		int err =
			seccomp_rule_add(ctx, SCMP_ACT_ALLOW, r->nr, r->compare,
					 SCMP_CMP64(r->arg, SCMP_CMP_MASKED_EQ,
						    r->mask, r->value));

		if (err)
			return err;
	}
	return 0;
}

static int add_rings(scmp_filter_ctx ctx)
{
	for (size_t i = 0; i < rings_syscall_count; i++) {
		int err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW,
					   rings_syscalls[i].nr, 0);

		if (err)
			return err;
	}
	return 0;
}

static int print_code(scmp_filter_ctx ctx, const char *name)
{
	static struct sock_filter code[CODE_MAX];
	int fd = memfd_create("filter", MFD_CLOEXEC);
	ssize_t n;

	if (fd < 0 || seccomp_export_bpf(ctx, fd) < 0)
		return -1;
	n = pread(fd, code, sizeof(code), 0);
	close(fd);
	if (n <= 0 || (size_t)n == sizeof(code))
		return -1;
	printf("static struct sock_filter %s_code[] = {\n", name);
	for (size_t i = 0; i < (size_t)n / sizeof(code[0]); i++)
		printf("\t{ 0x%x, %u, %u, 0x%x },\n", code[i].code, code[i].jt,
		       code[i].jf, code[i].k);
	printf("};\n");
	return 0;
}

static int make_filter(const char *name, const struct rule *rules, size_t count)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int err;

	if (!ctx)
		return -1;
	err = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
			       SCMP_ACT_KILL_PROCESS);
	/* What a busy guest costs comes first. */
	if (!err)
		err = seccomp_syscall_priority(ctx, rules[0].nr, 255);
	if (!err)
		err = add(ctx, rules, count);
	if (!err)
		err = add(ctx, common_rules,
			  sizeof(common_rules) / sizeof(common_rules[0]));
	if (!err)
		err = add_rings(ctx);
	if (!err)
		err = print_code(ctx, name);
	seccomp_release(ctx);
	return err;
}

int main(void)
{
	printf("/* Made by monitor/gen/jail_filter.c. */\n");
	if (make_filter("kvm", kvm_rules,
			sizeof(kvm_rules) / sizeof(kvm_rules[0])) ||
	    make_filter("process", process_rules,
			sizeof(process_rules) / sizeof(process_rules[0]))) {
		fprintf(stderr, "jail-filter: libseccomp refuses a rule\n");
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
