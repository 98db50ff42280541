/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The porting interface: what the kernel needs of a CPU and of the monitor's
 * gate. kernel/arch/x86_64 implements it.
 */
#ifndef KERNEL_ARCH_H
#define KERNEL_ARCH_H

#include "core/kernel.h"

struct thread;

/* Rings a doorbell (enum mf_doorbell); arguments in kernel_shared->arg. */
long arch_doorbell(uint32_t op);

/* Registers the upcall and system-call entries with the monitor. */
void arch_init(void);

uint64_t arch_tsc(void);
/* The clock page's realtime or monotonic clock now. */
uint64_t arch_clock_ns(bool real);
/* The vDSO's ELF header, for AT_SYSINFO_EHDR. */
uint64_t arch_vdso(void);

struct arch_cpuid {
	uint32_t eax, ebx, ecx, edx;
};

/* Slow: leaves the guest. Unknown leaves read as the CPU has it. */
void arch_cpuid(uint32_t leaf, uint32_t subleaf, struct arch_cpuid *ret);

/* ---- register state of a thread ---------------------------------------- */

uint64_t arch_fs_base(void);
void arch_set_fs_base(uint64_t base);
uint64_t arch_gs_base(void);
void arch_set_gs_base(uint64_t base);

/* Vector state, standard XSAVE format; area is 64-byte aligned and has
 * arch_fpu_size() bytes. */
uint32_t arch_fpu_size(void);
void arch_fpu_save(void *area);
void arch_fpu_restore(const void *area);
/* The state of a program that has just started. */
void arch_fpu_init_area(void *area);

/* Saves the current kernel context in *from_sp, continues at to_sp. */
void arch_switch(uint64_t *from_sp, uint64_t to_sp);
/*
 * Prepares a kernel stack so that switching to the result returns to the
 * program with the registers of the frame at the stack's top.
 */
uint64_t arch_prepare_stack(uint64_t kstack_top);
/* The frame of a thread whose kernel stack ends at kstack_top. */
static inline struct mf_regs *arch_frame(uint64_t kstack_top)
{
	return (struct mf_regs *)(uintptr_t)(kstack_top -
					     sizeof(struct mf_regs));
}

/* Entry code uses this stack from now on. */
void arch_set_kstack(uint64_t kstack_top);
/* Tells the exit path that current has work before it returns. */
void arch_set_exit_work(bool work);

/*
 * Rings MF_DB_SNAPSHOT. Returns true in each copy of the snapshot, with the
 * kernel's memory mapped and nothing else; false if the monitor refuses.
 */
bool arch_snapshot(void);

/* Runs the program for the first time on the current thread's frame. */
_Noreturn void arch_enter_user(void);

/* ---- address space ------------------------------------------------------ */

enum {
	ARCH_R = 1, /* PROT_READ */
	ARCH_W = 2, /* PROT_WRITE */
	ARCH_X = 4, /* PROT_EXEC */
	ARCH_DIRTY = 8, /* only arch_mmu_map: the memory is not all zero */
};

/* What backs one leaf of the address space. */
struct arch_leaf {
	uint64_t va; /* start of the leaf */
	uint64_t size; /* PAGE_SIZE or MF_HUGE_SIZE */
	gpa_t gpa;
	uint32_t prot; /* ARCH_*; 0: kept, not accessible */
	bool present; /* false: nothing is here */
	bool dirty; /* may have been written since it was mapped as zero */
};

/*
 * Memory that was unmapped; it may be reused only after arch_mmu_flush. Or
 * memory that was found.
 */
typedef void (*arch_gone)(gpa_t gpa, uint64_t len, bool dirty);

void arch_mmu_init(void);
/* In a copy of a snapshot: maps again what was mapped. 0 or -errno. */
int arch_mmu_resume(void);
/* Maps [va, va+len) to contiguous memory; nothing may be there. 0/-ENOMEM */
int arch_mmu_map(uint64_t va, gpa_t gpa, uint64_t len, uint32_t prot);
/*
 * Forgets what is mapped, and tells each leaf to `gone` (unless NULL). A huge
 * leaf partly inside is split. 0, or -ENOMEM: nothing has changed.
 */
int arch_mmu_unmap(uint64_t va, uint64_t len, arch_gone gone);
/* Changes the access of what is mapped. 0/-ENOMEM */
int arch_mmu_protect(uint64_t va, uint64_t len, uint32_t prot);
/*
 * The leaf that holds va. Where nothing is mapped, `size` says how far
 * nothing is mapped at least (va + size is the next place to look).
 */
void arch_mmu_lookup(uint64_t va, struct arch_leaf *ret);
/*
 * The memory of the range that may have been written goes to `found`. Who
 * calls makes it zero before the next arch_mmu_flush: a huge leaf is split,
 * so that from then on its pages are told apart.
 */
void arch_mmu_dirty(uint64_t va, uint64_t len, arch_gone found);
/* Frees page tables that are empty, at the next flush. */
void arch_mmu_sweep(void);
/* Makes earlier unmap and protect calls take effect now. */
void arch_mmu_flush(void);
bool arch_mmu_flush_due(void);
/* Whether that was due; the caller then rings a doorbell that does it. */
bool arch_mmu_take_flush(void);

/*
 * Makes whole pages read as zero by giving them back to the host at once,
 * without leaving the guest. False where there is no such way.
 */
bool arch_discard(gpa_t gpa, uint64_t len);

#endif
