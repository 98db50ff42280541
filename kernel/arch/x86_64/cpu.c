/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CPU: register state that C cannot name, the doorbell, and the
 * registration of the entry points in entry.S with the monitor.
 */
#include "arch.h"
#include "arch/x86_64/tsc.h"
#include "core/sched.h"

extern char kernel_start[], vdso_start[];
extern char syscall_trap_entry[], upcall_entry[], upcall_stack_top[];
extern char snapshot_resume[];
void snapshot_ring(void);
extern char return_restart[], return_end[], thread_first_return[];
extern uint64_t cpu_kstack_top;
extern uint32_t cpu_exit_work;

_Static_assert(sizeof(struct mf_regs) == 168, "entry.S FRAME_SIZE");
_Static_assert(offsetof(struct mf_regs, rbp) == 32, "entry.S");
_Static_assert(offsetof(struct mf_regs, rax) == 80, "entry.S");
_Static_assert(offsetof(struct mf_regs, orig_rax) == 120, "entry.S");
_Static_assert(offsetof(struct mf_regs, rip) == 128, "entry.S");
_Static_assert(offsetof(struct mf_regs, rflags) == 144, "entry.S");
_Static_assert(offsetof(struct mf_regs, rsp) == 152, "entry.S");
_Static_assert(MF_SHARED_VA == 0x707f00011000, "kernel.ld shared_page");
_Static_assert(MF_ABI_VERSION == 5, "kernel.ld header");
_Static_assert(MF_KERNEL_VA == 0x707f00100000, "kernel.ld origin");
_Static_assert(MF_SYSCALL_VA == MF_KERNEL_VA + 64, "kernel.ld .entry");

static uint64_t addr(const char *sym)
{
	return (uint64_t)(uintptr_t)sym;
}

long arch_doorbell(uint32_t op)
{
	long (*ring)(uint32_t) =
		(long (*)(uint32_t))(uintptr_t)kernel_boot->gate.doorbell;

	return ring(op);
}

void arch_init(void)
{
	kernel_shared->syscall_entry = addr(syscall_trap_entry);
	kernel_shared->upcall_config = (struct mf_upcall_config){
		.upcall_entry = addr(upcall_entry),
		.upcall_stack = addr(upcall_stack_top),
		.kernel_lo = addr(kernel_start),
		.kernel_hi = addr(vdso_start),
		.restart_lo = addr(return_restart),
		.restart_hi = addr(return_end),
		.restart_rip = addr(return_restart),
	};
}

/* For arch_snapshot in entry.S. */
void snapshot_ring(void)
{
	kernel_shared->resume.entry = addr(snapshot_resume);
	kernel_shared->resume.stack = addr(upcall_stack_top);
	arch_doorbell(MF_DB_SNAPSHOT);
}

uint64_t arch_tsc(void)
{
	return tsc_read();
}

uint64_t arch_clock_ns(bool real)
{
	return tsc_clock_ns(&kernel_shared->clock, real);
}

uint64_t arch_vdso(void)
{
	return addr(vdso_start);
}

uint64_t arch_fs_base(void)
{
	uint64_t base;

	__asm__ volatile("rdfsbase %0" : "=r"(base));
	return base;
}

void arch_set_fs_base(uint64_t base)
{
	__asm__ volatile("wrfsbase %0" : : "r"(base));
}

uint64_t arch_gs_base(void)
{
	uint64_t base;

	__asm__ volatile("rdgsbase %0" : "=r"(base));
	return base;
}

void arch_set_gs_base(uint64_t base)
{
	__asm__ volatile("wrgsbase %0" : : "r"(base));
}

uint32_t arch_fpu_size(void)
{
	return kernel_boot->xsave_size;
}

void arch_fpu_save(void *area)
{
	uint64_t mask = kernel_boot->xfeatures;

	__asm__ volatile("xsave64 (%0)"
			 :
			 : "r"(area), "a"((uint32_t)mask),
			   "d"((uint32_t)(mask >> 32))
			 : "memory");
}

void arch_fpu_restore(const void *area)
{
	uint64_t mask = kernel_boot->xfeatures;

	__asm__ volatile("xrstor64 (%0)"
			 :
			 : "r"(area), "a"((uint32_t)mask),
			   "d"((uint32_t)(mask >> 32))
			 : "memory");
}

void arch_fpu_init_area(void *area)
{
	/* Header all zero: every component in its initial state; the legacy
	 * region still supplies MXCSR. Intel SDM vol. 1, 13.8. */
	static const uint16_t fcw = 0x37f;
	static const uint32_t mxcsr = 0x1f80;

	memset(area, 0, arch_fpu_size());
	memcpy(area, &fcw, sizeof(fcw));
	memcpy((char *)area + 24, &mxcsr, sizeof(mxcsr));
}

uint64_t arch_prepare_stack(uint64_t kstack_top)
{
	uint64_t *sp = (uint64_t *)arch_frame(kstack_top);

	/* Return address, then six callee-saved registers for arch_switch.
	 * The call in thread_first_return needs 16-byte alignment. */
	*--sp = 0;
	*--sp = addr(thread_first_return);
	for (int i = 0; i < 6; i++)
		*--sp = 0;
	return (uint64_t)(uintptr_t)sp;
}

void arch_set_kstack(uint64_t kstack_top)
{
	cpu_kstack_top = kstack_top;
}

void arch_set_exit_work(bool work)
{
	cpu_exit_work = work;
}
