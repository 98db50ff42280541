/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Upcalls: the monitor interrupted the program for a tick, or the program
 * caused a CPU exception. entry.S calls prepare on the upcall stack, then
 * handle on the thread's own, with its frame.
 */
#include "core/trap.h"
#include "core/mm.h"
#include "core/signal.h"
#include "core/stubs.h"
#include "core/thread.h"
#include "core/uaccess.h"

/* si_code values, as in Linux's asm-generic/siginfo.h. */
#define CODE_KERNEL 0x80 /* SI_KERNEL */
#define CODE_INTDIV 1
#define CODE_FLTDIV 3
#define CODE_FLTOVF 4
#define CODE_FLTUND 5
#define CODE_FLTRES 6
#define CODE_FLTINV 7
#define CODE_ILLOPN 2
#define CODE_MAPERR 1
#define CODE_ACCERR 2
#define CODE_ADRALN 1
#define CODE_ADRERR 2
#define CODE_BRKPT  1
#define CODE_TRACE  2

#define PF_WRITE 2
#define PF_FETCH 16

struct mf_regs *upcall_prepare(void)
{
	const struct mf_upcall *u = &kernel_shared->upcall;
	const struct mf_upcall_config *c = &kernel_shared->upcall_config;
	struct mf_regs *r = arch_frame(current->kstack_top);

	if (u->regs.rip >= c->kernel_lo && u->regs.rip < c->kernel_hi)
		kpanic("exception %u (error %lx, address %lx) in the kernel "
		       "at %lx, rsp %lx",
		       u->vector, u->error, u->cr2, u->regs.rip, u->regs.rsp);
	*r = u->regs;
	r->orig_rax = UINT64_MAX;
	r->cs = MF_SEL_USER_CS;
	r->ss = MF_SEL_USER_DS;
	return r;
}

/* Of the exceptions that are raised and not masked, the one Linux names. */
static int fpu_fault_code(uint32_t vector)
{
	const char *area = current->fpu;
	uint16_t x87[2]; /* control, status */
	uint32_t csr, raised;

	arch_fpu_save(current->fpu);
	__builtin_memcpy(x87, area, sizeof(x87));
	__builtin_memcpy(&csr, area + 24, sizeof(csr));
	raised = vector == 16 ? x87[1] & ~x87[0] : csr & ~(csr >> 7);
	if (raised & 1)
		return CODE_FLTINV;
	if (raised & 4)
		return CODE_FLTDIV;
	if (raised & 8)
		return CODE_FLTOVF;
	if (raised & 0x12)
		return CODE_FLTUND;
	return CODE_FLTRES;
}

/* False: the access is allowed by now, try again. */
static bool page_fault(const struct mf_upcall *u, struct ksiginfo *info)
{
	const struct vma *v = mm_find(u->cr2);
	uint32_t need = u->error & PF_FETCH ? PROT_EXEC :
			u->error & PF_WRITE ? PROT_WRITE :
					      PROT_READ;
	struct arch_leaf leaf;

	info->value = u->cr2;
	if (!v || v->start > u->cr2) {
		info->code = CODE_MAPERR;
		return true;
	}
	if (!(v->prot & need) && !(need == PROT_READ && v->prot)) {
		info->code = CODE_ACCERR;
		return true;
	}
	arch_mmu_lookup(u->cr2, &leaf);
	if (leaf.present && (leaf.prot & need))
		return false;
	if (v->flags & VMA_LAZY) {
		info->code = CODE_MAPERR;
		return mm_touch(v, u->cr2) != 0;
	}
	info->signo = SIGBUS; /* beyond the end of the file */
	info->code = CODE_ADRERR;
	return true;
}

static struct ksiginfo trap_signal(const struct mf_regs *r, uint32_t vector)
{
	uint64_t at = stub_pc_to_program(r->rip);

	switch (vector) {
	case 0:
		return (struct ksiginfo){ SIGFPE, CODE_INTDIV, 0, 0, at };
	case 1:
		return (struct ksiginfo){ SIGTRAP, CODE_TRACE, 0, 0, at };
	case 3:
		return (struct ksiginfo){ SIGTRAP, CODE_KERNEL, 0, 0, 0 };
	case 6:
		return (struct ksiginfo){ SIGILL, CODE_ILLOPN, 0, 0, at };
	case 12:
		return (struct ksiginfo){ SIGBUS, CODE_KERNEL, 0, 0, 0 };
	case 16:
	case 19:
		return (struct ksiginfo){ SIGFPE, fpu_fault_code(vector), 0, 0,
					  at };
	case 17:
		return (struct ksiginfo){ SIGBUS, CODE_ADRALN, 0, 0, 0 };
	default:
		return (struct ksiginfo){ SIGSEGV, CODE_KERNEL, 0, 0, 0 };
	}
}

/*
 * Hosts that emulate parts of the CPU sometimes call `int3` or `int n`
 * undefined. What the CPU would have raised for them is this.
 */
static uint32_t real_vector(struct mf_regs *r, uint32_t vector)
{
	uint8_t opcode;

	if (vector != 6 || copy_from_user(&opcode, r->rip, 1) < 0)
		return vector;
	if (opcode == 0xcc) { /* int3: a trap, it has been executed */
		r->rip++;
		return 3;
	}
	return opcode == 0xcd ? 13 : vector;
}

void signal_trap(struct mf_regs *r, const struct mf_upcall *u)
{
	uint32_t vector = real_vector(r, u->vector);
	struct ksiginfo info = trap_signal(r, vector);

	current->sig.trap_nr = vector;
	current->sig.trap_err = u->error;
	current->sig.cr2 = u->cr2;
	if (vector == 14 && !page_fault(u, &info))
		return;
	signal_force(&info);
}

void upcall_handle(struct mf_regs *r)
{
	const struct mf_upcall *u = &kernel_shared->upcall;

	if (u->kind == MF_UPCALL_TRAP) {
		signal_trap(r, u);
		return;
	}
	kernel_stats->upcalls++;
	sched_tick();
	sched_exit_work(r);
}
