/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's process, from its first instruction to the gate. It begins as
 * a copy of the monitor, already without privileges, and gives up the rest:
 * descriptors, signal handlers, the right to make system calls, and at last
 * (in process_gate.S) the monitor's memory. Uses no memory of the monitor
 * that it could not lose, and nothing that allocates.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mman.h>
#include <linux/rseq.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "monitor/substrates/process.h"

#define WINDOW_SIZE    MF_HUGE_SIZE
#define RSEQ_SIGNATURE 0x53053053u /* glibc's, sys/rseq.h */

/* glibc's words on its restartable sequence; other C libraries have none. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

/* A program may map pages of the image or of /tmp more than once. */
#define MAPPINGS_PER_PAGE 4

enum step {
	STEP_CLEAR = 0, /* these three are process_gate.S's */
	STEP_MAP_RAM = 1,
	STEP_MAP_IMAGE = 2,
	STEP_FDS = 3,
	STEP_SIGNALS = 4,
	STEP_LIMITS = 5,
	STEP_WINDOW = 6,
	STEP_KERNEL = 7,
	STEP_FILTER = 8,
};

static const char *const steps[] = {
	[STEP_CLEAR] = "clear its address space",
	[STEP_MAP_RAM] = "map its memory",
	[STEP_MAP_IMAGE] = "map the image",
	[STEP_FDS] = "arrange its descriptors",
	[STEP_SIGNALS] = "prepare its signals",
	[STEP_LIMITS] = "limit its resources",
	[STEP_WINDOW] = "map the kernel's data",
	[STEP_KERNEL] = ("map the kernel's text, which needs an image on a "
			 "file system that is not mounted noexec"),
	[STEP_FILTER] = "install its seccomp filter",
};

const char *process_child_step(uint64_t step)
{
	if (step >= sizeof(steps) / sizeof(steps[0]))
		return "start";
	return steps[step];
}

_Noreturn static void fail(struct instance *inst, enum step step)
{
	struct mf_shared *sh = inst->shared;

	sh->arg[0] = (uint64_t)errno;
	sh->arg[1] = step;
	atomic_store((_Atomic uint32_t *)&sh->doorbell,
		     DOORBELL_RUNG | DOORBELL_FAILED);
	_exit(1);
}

/* Nothing but RAM and image, as 0 and 1. */
static bool keep_two_fds(struct instance *inst)
{
	int ram = fcntl(inst->mem.ram_fd, F_DUPFD, PROCESS_FDS);
	int image = fcntl(inst->image_fd, F_DUPFD, PROCESS_FDS);

	return ram >= 0 && image >= 0 && dup2(ram, PROCESS_RAM_FD) >= 0 &&
	       dup2(image, PROCESS_IMAGE_FD) >= 0 &&
	       syscall(SYS_close_range, PROCESS_FDS, ~0u, 0) == 0;
}

/*
 * glibc registers a restartable sequence, which the kernel would go on
 * writing to after its memory is gone. How long it was differs by version.
 */
static void end_rseq(void)
{
	unsigned sizes[] = { 0, sizeof(struct rseq) };
	char *at;

	if (!&__rseq_offset || !&__rseq_size)
		return;
	at = (char *)__builtin_thread_pointer() + __rseq_offset;
	sizes[0] = __rseq_size;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (syscall(SYS_rseq, at, sizes[i], RSEQ_FLAG_UNREGISTER,
			    RSEQ_SIGNATURE) == 0)
			return;
}

/* The kernel's own form; libc would put in its own restorer. */
struct kernel_sigaction {
	uint64_t handler;
	uint64_t flags;
	uint64_t restorer;
	uint64_t mask;
};
#define KERNEL_SA_RESTORER 0x04000000u

static bool set_handler(int signal, const uint8_t *handler)
{
	/* x86-64 demands a restorer; no handler ever returns to it. */
	struct kernel_sigaction sa = {
		.handler = process_gate_va(handler),
		.flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER |
			 KERNEL_SA_RESTORER,
	};

	return syscall(SYS_rt_sigaction, signal, &sa, NULL, sizeof(sa.mask)) ==
	       0;
}

static bool set_signals(void)
{
	stack_t stack = {
		.ss_sp = (void *)(MF_DIRECT_VA + PROCESS_SIGSTACK_GPA),
		.ss_size = PROCESS_SIGSTACK_SIZE,
	};
	static const int traps[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };
	sigset_t none;

	end_rseq();
	for (size_t i = 0; i < sizeof(traps) / sizeof(traps[0]); i++)
		if (!set_handler(traps[i], process_gate_trap))
			return false;
	sigemptyset(&none);
	return set_handler(SIGSYS, process_gate_sigsys) &&
	       set_handler(PROCESS_TICK_SIGNAL, process_gate_tick) &&
	       sigaltstack(&stack, NULL) == 0 &&
	       sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

static bool limit(int resource, uint64_t value)
{
	struct rlimit r = { value, value };

	return setrlimit(resource, &r) == 0;
}

/*
 * The address space bounds the page tables, which the host pays for; private
 * memory beside the guest's RAM is none at all.
 */
static bool set_limits(const struct instance *inst)
{
	uint64_t as =
		MAPPINGS_PER_PAGE * (inst->mem.ram_max + inst->mem.image_size) +
		WINDOW_SIZE;

	return limit(RLIMIT_AS, as) && limit(RLIMIT_DATA, 0) &&
	       limit(RLIMIT_CORE, 0) && limit(RLIMIT_MEMLOCK, 0) &&
	       limit(RLIMIT_NPROC, 0) && limit(RLIMIT_NOFILE, PROCESS_FDS) &&
	       limit(RLIMIT_FSIZE, 0);
}

struct piece {
	uint64_t va, len;
	int prot;
	int fd;
	uint64_t offset;
};

static bool map_piece(const struct piece *p)
{
	void *at = (void *)(uintptr_t)p->va;

	if (!p->len)
		return true;
	return mmap(at, p->len, p->prot, MAP_SHARED | MAP_FIXED_NOREPLACE,
		    p->fd, (off_t)p->offset) == at;
}

/* As loader.c maps it for page tables. */
static void map_window(struct instance *inst)
{
	const struct mf_kernel_hdr *k = &inst->kernel;
	const struct piece text = { MF_KERNEL_VA, k->text_size,
				    PROT_READ | PROT_EXEC, PROCESS_IMAGE_FD,
				    inst->start.kernel_off };
	const struct piece rest[] = {
		{ MF_GATE_VA, MF_GATE_SIZE, PROT_READ | PROT_EXEC,
		  PROCESS_RAM_FD, MF_GATE_GPA },
		{ MF_SYS_VA, MF_SYS_END - MF_BOOT_GPA, PROT_READ | PROT_WRITE,
		  PROCESS_RAM_FD, MF_BOOT_GPA },
		{ MF_KERNEL_VA + k->text_size,
		  (uint64_t)k->data_size + k->bss_size, PROT_READ | PROT_WRITE,
		  PROCESS_RAM_FD, inst->kernel_data_gpa },
	};

	if (!map_piece(&text))
		fail(inst, STEP_KERNEL);
	for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++) {
		if (!map_piece(&rest[i]))
			fail(inst, STEP_WINDOW);
		/* One call is cheaper than faults; failing is harmless. */
		madvise((void *)(uintptr_t)rest[i].va, rest[i].len,
			MADV_POPULATE_READ);
	}
}

static bool install_filter(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0,
		       &process_filter) == 0;
}

_Noreturn void process_child(struct instance *inst, pid_t parent)
{
	void (*enter)(uint64_t, uint64_t, uint64_t, uint64_t) =
		(void (*)(uint64_t, uint64_t, uint64_t, uint64_t))(
			uintptr_t)process_gate_va(process_gate_enter);

	/* The monitor's death is ours, also if it comes before this call. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "mayfly-guest");
	if (getppid() != parent)
		_exit(1);
	if (!keep_two_fds(inst))
		fail(inst, STEP_FDS);
	if (!set_signals())
		fail(inst, STEP_SIGNALS);
	map_window(inst);
	if (!set_limits(inst))
		fail(inst, STEP_LIMITS);
	if (!install_filter())
		fail(inst, STEP_FILTER);
	enter(inst->mem.ram_max, inst->mem.image_size, inst->entry,
	      inst->stack);
	_exit(1);
}
