/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rt_sigframe: written for a handler, read back by rt_sigreturn. Programs
 * edit the saved registers in between (Go, the JVM), and unwinders know the
 * layout, so it is Linux's to the byte: arch/x86/include/uapi/asm/ucontext.h
 * and sigcontext.h.
 */
#include "core/sigframe.h"

#include <asm/sigcontext.h>

#include "core/alloc.h"
#include "core/stubs.h"
#include "core/thread.h"
#include "core/uaccess.h"

#define RED_ZONE	 128
#define XSAVE_HEADER	 512
#define XSAVE_HEADER_LEN 64
#define SW_RESERVED	 464 /* struct _fpx_sw_bytes in the legacy area */
#define UC_FLAGS	 7 /* FP_XSTATE, SIGCONTEXT_SS, STRICT_RESTORE_SS */
#define RFLAGS_USER	 0x50dd5ull /* what a program may set */
#define RFLAGS_FIXED	 0x202ull

struct frame_stack {
	uint64_t sp;
	int32_t flags;
	uint32_t pad;
	uint64_t size;
};

struct frame_context {
	uint64_t flags;
	uint64_t link;
	struct frame_stack stack;
	struct sigcontext_64 mc;
	uint64_t mask;
};

struct rt_sigframe {
	uint64_t restorer;
	struct frame_context uc;
	uint8_t info[128];
};

void signal_fill_siginfo(const struct ksiginfo *info, void *ret)
{
	uint8_t *out = ret;
	int32_t head[3] = { info->signo, 0, info->code };
	int32_t who[2] = { info->pid, info->uid };

	memset(out, 0, 128);
	memcpy(out, head, sizeof(head));
	if (info->code > 0) { /* a fault: si_addr */
		memcpy(out + 16, &info->value, 8);
		return;
	}
	memcpy(out + 16, who, sizeof(who));
	memcpy(out + 24, &info->value, 8);
}

static bool on_alt_stack(uint64_t sp)
{
	const struct thread_signals *s = &current->sig;

	return s->stack_size && sp > s->stack_base &&
	       sp - s->stack_base <= s->stack_size;
}

/* Where the frame ends; it may not begin below *ret_floor. */
static uint64_t choose_stack(const struct mf_regs *r,
			     const struct ksigaction *a, uint64_t *ret_floor)
{
	const struct thread_signals *s = &current->sig;
	bool on = on_alt_stack(r->rsp);
	bool enter = (a->flags & SA_ONSTACK) && s->stack_size && !on;

	*ret_floor = on || enter ? s->stack_base : 4096;
	return enter ? s->stack_base + s->stack_size : r->rsp - RED_ZONE;
}

static void fill_context(struct frame_context *uc, const struct mf_regs *r)
{
	const struct thread_signals *s = &current->sig;

	uc->flags = UC_FLAGS;
	uc->stack.sp = s->stack_base;
	uc->stack.size = s->stack_size;
	uc->stack.flags = !s->stack_size       ? SS_DISABLE :
			  on_alt_stack(r->rsp) ? SS_ONSTACK :
						 0;
	uc->mc = (struct sigcontext_64){
		.r8 = r->r8,
		.r9 = r->r9,
		.r10 = r->r10,
		.r11 = r->r11,
		.r12 = r->r12,
		.r13 = r->r13,
		.r14 = r->r14,
		.r15 = r->r15,
		.di = r->rdi,
		.si = r->rsi,
		.bp = r->rbp,
		.bx = r->rbx,
		.dx = r->rdx,
		.ax = r->rax,
		.cx = r->rcx,
		.sp = r->rsp,
		.ip = stub_pc_to_program(r->rip),
		.flags = r->rflags & ~0x3000ull,
		.cs = MF_SEL_USER_CS,
		.ss = MF_SEL_USER_DS,
		.err = s->trap_err,
		.trapno = s->trap_nr,
		.oldmask = uc->mask,
		.cr2 = s->cr2,
	};
}

/*
 * Saves the vector state at fp (64-byte aligned, checked writable). The
 * handler starts with that of a new program: it would trip over an exception
 * that is still pending, or compute with a strange rounding mode.
 */
static void save_fpu(uint64_t fp)
{
	uint8_t *area = (uint8_t *)(uintptr_t)fp;
	struct _fpx_sw_bytes sw = {
		.magic1 = FP_XSTATE_MAGIC1,
		.extended_size = arch_fpu_size() + FP_XSTATE_MAGIC2_SIZE,
		.xfeatures = kernel_boot->xfeatures,
		.xstate_size = arch_fpu_size(),
	};
	uint32_t magic2 = FP_XSTATE_MAGIC2;

	memset(area + XSAVE_HEADER, 0, XSAVE_HEADER_LEN);
	arch_fpu_save(area);
	memcpy(area + SW_RESERVED, &sw, sizeof(sw));
	memcpy(area + arch_fpu_size(), &magic2, sizeof(magic2));
	arch_fpu_init_area(current->fpu);
	arch_fpu_restore(current->fpu);
}

int sigframe_push(struct mf_regs *r, const struct ksiginfo *info,
		  const struct ksigaction *a, uint64_t mask)
{
	uint64_t floor;
	uint64_t top = choose_stack(r, a, &floor);
	uint64_t fp_len = arch_fpu_size() + FP_XSTATE_MAGIC2_SIZE;
	uint64_t fp = ALIGN_DOWN(top - fp_len, 64);
	uint64_t at = ALIGN_DOWN(fp - sizeof(struct rt_sigframe), 16) - 8;
	struct rt_sigframe *f = (struct rt_sigframe *)(uintptr_t)at;

	if (!(a->flags & SA_RESTORER) || top < fp_len + 4096 || at < floor ||
	    !user_can_write(at, top - at))
		return -EFAULT;
	f->restorer = a->restorer;
	f->uc.link = 0;
	f->uc.mask = mask;
	fill_context(&f->uc, r);
	f->uc.mc.fpstate = fp;
	signal_fill_siginfo(info, f->info);
	save_fpu(fp);
	r->rdi = (uint64_t)info->signo;
	r->rsi = (uint64_t)(uintptr_t)f->info;
	r->rdx = (uint64_t)(uintptr_t)&f->uc;
	r->rax = 0;
	r->rsp = at;
	r->rflags &= ~0x10500ull; /* DF, TF, RF */
	return 0;
}

/* Loads vector state a program may have edited: nothing in it is trusted. */
static int load_fpu(uint64_t fp)
{
	const uint8_t *from = (const uint8_t *)(uintptr_t)fp;
	uint32_t size = arch_fpu_size();
	uint8_t *area = current->fpu;
	struct _fpx_sw_bytes sw;
	uint64_t have = 3; /* x87 and SSE are in the legacy area */
	uint32_t mxcsr;

	if (!fp)
		return 0;
	if (!user_can_read(fp, XSAVE_HEADER))
		return -EFAULT;
	memset(area, 0, size);
	memcpy(area, from, XSAVE_HEADER);
	memcpy(&sw, from + SW_RESERVED, sizeof(sw));
	if (sw.magic1 == FP_XSTATE_MAGIC1 && sw.xstate_size == size &&
	    user_can_read(fp, size)) {
		memcpy(area + XSAVE_HEADER, from + XSAVE_HEADER,
		       size - XSAVE_HEADER);
		memcpy(&have, from + XSAVE_HEADER, sizeof(have));
	}
	have &= kernel_boot->xfeatures;
	memset(area + XSAVE_HEADER, 0, XSAVE_HEADER_LEN);
	memcpy(area + XSAVE_HEADER, &have, sizeof(have));
	memcpy(&mxcsr, area + 24, sizeof(mxcsr));
	mxcsr &= 0xffff;
	memcpy(area + 24, &mxcsr, sizeof(mxcsr));
	arch_fpu_restore(area);
	return 0;
}

static void load_context(struct mf_regs *r, const struct sigcontext_64 *mc)
{
	*r = (struct mf_regs){
		.r8 = mc->r8,
		.r9 = mc->r9,
		.r10 = mc->r10,
		.r11 = mc->r11,
		.r12 = mc->r12,
		.r13 = mc->r13,
		.r14 = mc->r14,
		.r15 = mc->r15,
		.rdi = mc->di,
		.rsi = mc->si,
		.rbp = mc->bp,
		.rbx = mc->bx,
		.rdx = mc->dx,
		.rax = mc->ax,
		.rcx = mc->cx,
		.rsp = mc->sp,
		/* iretq faults on a non-canonical address; 0 does later. */
		.rip = mc->ip < (1ull << 47) ? stub_pc_from_program(mc->ip) : 0,
		.rflags = (mc->flags & RFLAGS_USER) | RFLAGS_FIXED,
		.cs = MF_SEL_USER_CS,
		.ss = MF_SEL_USER_DS,
		.orig_rax = UINT64_MAX,
	};
}

long signal_return(struct mf_regs *r)
{
	uint64_t at = r->rsp - 8;
	struct rt_sigframe f;
	struct thread_signals *s = &current->sig;

	if (copy_from_user(&f, at, sizeof(f)) < 0 ||
	    load_fpu(f.uc.mc.fpstate) < 0) {
		struct ksiginfo segv = { .signo = SIGSEGV, .code = 0x80 };

		signal_force(&segv);
		return 0;
	}
	load_context(r, &f.uc.mc);
	s->blocked = f.uc.mask & ~(SIG_BIT(SIGKILL) | SIG_BIT(SIGSTOP));
	if (!on_alt_stack(r->rsp) && f.uc.stack.flags != SS_DISABLE) {
		s->stack_base = f.uc.stack.sp;
		s->stack_size = f.uc.stack.size;
	}
	signal_update_exit_work();
	return (long)r->rax;
}
