/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kvm substrate: one VM, one vCPU, started directly in ring 3. Uses the
 * documented KVM interface only, and no part of it that emulates a device.
 * kvm_setup.c makes the machine; this file runs it and carries the guest's
 * exceptions back into it.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#include "monitor/substrates/kvm.h"

#define RFLAGS_START 0x3002ull /* IOPL 3: the doorbell is allowed */

/* Vectors whose frame has an error code. Intel SDM vol. 3, table 6-1. */
#define HAS_ERROR_CODE                                                    \
	(1u << 8 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 | \
	 1u << 17 | 1u << 21)
#define VECTOR_UD 6
/* KVM_RUN may ask to be called again; a host that cannot go on says so too. */
#define AGAIN_MAX 1000

__attribute__((format(printf, 2, 3))) static void dead(struct vm_exit *ret,
						       const char *fmt, ...)
{
	va_list ap;

	ret->kind = VM_EXIT_DEAD;
	va_start(ap, fmt);
	vsnprintf(ret->reason, sizeof(ret->reason), fmt, ap);
	va_end(ap);
}

static bool in_gate(uint64_t rip)
{
	return rip >= MF_GATE_VA && rip < MF_GATE_VA + MF_GATE_SIZE;
}

static void to_mf_regs(const struct kvm_regs *k, struct mf_regs *r)
{
	*r = (struct mf_regs){
		.r15 = k->r15,
		.r14 = k->r14,
		.r13 = k->r13,
		.r12 = k->r12,
		.rbp = k->rbp,
		.rbx = k->rbx,
		.r11 = k->r11,
		.r10 = k->r10,
		.r9 = k->r9,
		.r8 = k->r8,
		.rax = k->rax,
		.rcx = k->rcx,
		.rdx = k->rdx,
		.rsi = k->rsi,
		.rdi = k->rdi,
		.rip = k->rip,
		.rflags = k->rflags,
		.rsp = k->rsp,
		.cs = MF_SEL_USER_CS,
		.ss = MF_SEL_USER_DS,
	};
}

/* Starts the guest's upcall handler; *regs are what it interrupted. */
static int enter_upcall(struct instance *inst, const struct mf_upcall *u)
{
	struct kvm_vm *vm = inst->substrate_state;
	struct kvm_regs regs = {
		.rip = inst->shared->upcall_config.upcall_entry,
		.rsp = inst->shared->upcall_config.upcall_stack,
		.rflags = RFLAGS_START,
	};

	inst->shared->upcall = *u;
	return ioctl(vm->vcpu, KVM_SET_REGS, &regs) < 0 ? -errno : 0;
}

/*
 * True if KVM_RUN was interrupted when it was about to raise an exception:
 * that belongs to the instruction at the present rip.
 */
static bool exception_pending(const struct kvm_vm *vm)
{
	struct kvm_vcpu_events ev;

	return ioctl(vm->vcpu, KVM_GET_VCPU_EVENTS, &ev) == 0 &&
	       (ev.exception.injected || ev.exception.pending);
}

static int kvm_upcall_tick(struct instance *inst)
{
	struct kvm_vm *vm = inst->substrate_state;
	struct mf_upcall_config c = inst->shared->upcall_config;
	struct mf_upcall u = { .kind = MF_UPCALL_TICK };
	struct kvm_regs regs;

	if (ioctl(vm->vcpu, KVM_GET_REGS, &regs) < 0)
		return -errno;
	if (exception_pending(vm)) {
		/* The upcall that it leads to looks for the rest. */
		atomic_store(&inst->shared->pending, 1);
		return 0;
	}
	if (!in_gate(regs.rip) &&
	    (regs.rip < c.kernel_lo || regs.rip >= c.kernel_hi)) {
		to_mf_regs(&regs, &u.regs);
		return enter_upcall(inst, &u);
	}
	atomic_store(&inst->shared->pending, 1);
	if (regs.rip < c.restart_lo || regs.rip >= c.restart_hi)
		return 0;
	regs.rip = c.restart_rip;
	return ioctl(vm->vcpu, KVM_SET_REGS, &regs) < 0 ? -errno : 0;
}

/* The frame the CPU pushed on the exception stack, read once. */
static void read_frame(struct instance *inst, uint32_t vector,
		       struct mf_upcall *u)
{
	uint64_t frame[6];
	const uint64_t *f = frame + 1;

	memcpy(frame, inst->mem.ram + MF_IST_GPA + MF_PAGE_SIZE - sizeof(frame),
	       sizeof(frame));
	if (HAS_ERROR_CODE & (1u << vector))
		u->error = frame[0];
	u->regs.rip = f[0];
	u->regs.cs = f[1];
	u->regs.rflags = f[2];
	u->regs.rsp = f[3];
	u->regs.ss = f[4];
}

static int back_to_ring3(struct kvm_vm *vm, struct kvm_sregs *s)
{
	kvm_segments_ring3(s);
	return ioctl(vm->vcpu, KVM_SET_SREGS, s) < 0 ? -errno : 0;
}

/* A stub reported an exception: hand it to the guest kernel. */
static void deliver_trap(struct instance *inst, uint32_t vector,
			 struct vm_exit *ret)
{
	struct kvm_vm *vm = inst->substrate_state;
	struct mf_upcall u = { .kind = MF_UPCALL_TRAP, .vector = vector };
	struct kvm_sregs s;
	struct kvm_regs regs;

	inst->exit.stats.traps++;
	if (ioctl(vm->vcpu, KVM_GET_REGS, &regs) < 0 ||
	    ioctl(vm->vcpu, KVM_GET_SREGS, &s) < 0) {
		dead(ret, "the vCPU's registers cannot be read (errno %d)",
		     errno);
		return;
	}
	if (s.cs.selector & 3) {
		dead(ret, "the guest rang port %#x, which is not its",
		     MF_PORT_TRAP + vector);
		return;
	}
	to_mf_regs(&regs, &u.regs);
	read_frame(inst, vector, &u);
	u.cr2 = s.cr2;
	if (!inst->shared->upcall_config.upcall_entry) {
		dead(ret, "exception %u before the kernel was ready", vector);
		return;
	}
	if ((u.regs.cs & 3) != 3) {
		dead(ret, "exception %u in the trap stubs", vector);
		return;
	}
	if (back_to_ring3(vm, &s) < 0 || enter_upcall(inst, &u) < 0)
		dead(ret, "the vCPU's registers cannot be set (errno %d)",
		     errno);
}

/* The host cannot emulate an instruction: for the guest it is undefined. */
static void inject_ud(struct instance *inst, struct vm_exit *ret)
{
	struct kvm_vm *vm = inst->substrate_state;
	struct kvm_vcpu_events ev;

	if (ioctl(vm->vcpu, KVM_GET_VCPU_EVENTS, &ev) < 0) {
		dead(ret, "KVM_GET_VCPU_EVENTS failed (errno %d)", errno);
		return;
	}
	ev.exception.injected = 1;
	ev.exception.nr = VECTOR_UD;
	ev.exception.has_error_code = 0;
	if (ioctl(vm->vcpu, KVM_SET_VCPU_EVENTS, &ev) < 0)
		dead(ret, "KVM_SET_VCPU_EVENTS failed (errno %d)", errno);
}

static bool handle_io(struct instance *inst, struct vm_exit *ret)
{
	struct kvm_vm *vm = inst->substrate_state;
	const struct kvm_run *run = vm->run;
	uint32_t port = run->io.port;
	uint32_t value;

	if (run->io.direction != KVM_EXIT_IO_OUT || run->io.count != 1) {
		dead(ret, "the guest used I/O port %#x, which does not exist",
		     port);
		return true;
	}
	if (port >= MF_PORT_TRAP && port < MF_PORT_TRAP + MF_TRAP_VECTORS &&
	    run->io.size == 1) {
		deliver_trap(inst, port - MF_PORT_TRAP, ret);
		return ret->kind == VM_EXIT_DEAD;
	}
	if (port != MF_PORT_DOORBELL || run->io.size != 4) {
		dead(ret, "the guest used I/O port %#x, which does not exist",
		     port);
		return true;
	}
	memcpy(&value, (const char *)run + run->io.data_offset, sizeof(value));
	ret->kind = VM_EXIT_DOORBELL;
	ret->doorbell = value;
	return true;
}

/* True: *ret says what the caller has to do. */
static bool handle_exit(struct instance *inst, struct vm_exit *ret)
{
	struct kvm_vm *vm = inst->substrate_state;
	const struct kvm_run *run = vm->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		return handle_io(inst, ret);
	case KVM_EXIT_INTERNAL_ERROR:
		if (run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION) {
			inject_ud(inst, ret);
			return ret->kind == VM_EXIT_DEAD;
		}
		dead(ret, "KVM internal error %u", run->internal.suberror);
		return true;
	case KVM_EXIT_MMIO:
		dead(ret,
		     "the guest touched guest-physical address %#llx, where no "
		     "memory is",
		     run->mmio.phys_addr);
		return true;
	case KVM_EXIT_SHUTDOWN:
		dead(ret, "triple fault: the guest destroyed its own "
			  "exception tables");
		return true;
	default:
		dead(ret, "the vCPU stopped with KVM exit reason %u",
		     run->exit_reason);
		return true;
	}
}

/* The tick stays blocked outside KVM_RUN; take it off the queue. */
static void take_tick(void)
{
	struct timespec zero = { 0, 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigtimedwait(&set, NULL, &zero);
}

static void kvm_run(struct instance *inst, struct vm_exit *ret)
{
	struct kvm_vm *vm = inst->substrate_state;
	unsigned again = 0;

	ret->kind = VM_EXIT_TICK;
	for (;;) {
		if (ioctl(vm->vcpu, KVM_RUN, 0) == 0) {
			if (handle_exit(inst, ret))
				return;
			continue;
		}
		if (errno == EINTR) {
			take_tick();
			return;
		}
		if (errno == EAGAIN && again++ < AGAIN_MAX)
			continue;
		if (errno == EFAULT)
			dead(ret, "the guest wrote to memory it may only "
				  "read");
		else
			dead(ret, "KVM_RUN failed (errno %d)", errno);
		return;
	}
}

static int kvm_flush(struct instance *inst)
{
	struct kvm_vm *vm = inst->substrate_state;
	struct kvm_sregs s;

	if (ioctl(vm->vcpu, KVM_GET_SREGS, &s) < 0)
		return -errno;
	s.cr4 ^= CR4_PGE;
	return ioctl(vm->vcpu, KVM_SET_SREGS, &s) < 0 ? -errno : 0;
}

const struct substrate_ops substrate_kvm = {
	.name = "kvm",
	.paging = MF_PAGING_TABLES,
	.shared_ram = false,
	.create = kvm_create,
	.attach = kvm_attach,
	.reset = kvm_reset,
	.run = kvm_run,
	.upcall_tick = kvm_upcall_tick,
	.flush = kvm_flush,
	.grow = kvm_grow,
	.tsc_offset = kvm_tsc_offset,
};
