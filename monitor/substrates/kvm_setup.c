/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making the VM: memory slots, descriptor tables, the vCPU and its registers,
 * the preemption timer. Values are those of the Intel SDM vol. 3 (system
 * descriptors, 3.4 and 7.2) and, for selectors, of abi/layout.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <x86intrin.h>

#include "monitor/substrates/kvm.h"

extern const uint8_t kvm_gate_start[], kvm_gate_end[], kvm_gate_doorbell[];
extern const uint8_t kvm_gate_lstar[], kvm_gate_traps[];

_Static_assert(MF_SHARED_VA - MF_GATE_VA == 0x11000, "kvm_gate.S");
_Static_assert(MF_PORT_DOORBELL == 0x6d0 && MF_PORT_TRAP == 0xc0, "kvm_gate.S");
_Static_assert(sizeof(struct kvm_cpuid_entry2) == MF_CTL_CPUID_SIZE, "ctl.h");

#define TSS_OFF	       0x100u /* in the GDT's page */
#define TSS_BITMAP     0x68u
#define TSS_LIMIT      (TSS_BITMAP + (MF_PORT_DOORBELL + 3) / 8 + 1)
#define MSR_IA32_TSC   0x10u
#define MSR_STAR       0xc0000081u
#define MSR_LSTAR      0xc0000082u
#define MSR_FMASK      0xc0000084u
#define TSC_SAMPLES    4
#define TSC_GOOD_TICKS 10000u /* a few us: a KVM_GET_MSRS that ran through */
#define SIGSET_BYTES   8 /* the kernel's sigset_t */

static struct kvm_vm vm_state;

static uint64_t gate_va(const uint8_t *sym)
{
	return MF_GATE_VA + (uint64_t)(sym - kvm_gate_start);
}

static void put64(uint8_t *at, uint64_t v)
{
	memcpy(at, &v, sizeof(v));
}

static void build_gdt(struct instance *inst)
{
	uint8_t *page = inst->mem.ram + MF_GDT_GPA;
	uint64_t tss = MF_DIRECT_VA + MF_GDT_GPA + TSS_OFF;
	uint64_t stack = MF_DIRECT_VA + MF_IST_GPA + MF_PAGE_SIZE;
	uint16_t bitmap = TSS_BITMAP;

	put64(page + MF_SEL_KERNEL_CS, 0x00af9b000000ffff);
	put64(page + MF_SEL_KERNEL_DS, 0x00cf93000000ffff);
	put64(page + 0x20, 0x00cffb000000ffff);
	put64(page + (MF_SEL_USER_DS & ~7), 0x00cff3000000ffff);
	put64(page + (MF_SEL_USER_CS & ~7), 0x00affb000000ffff);
	put64(page + MF_SEL_TSS, TSS_LIMIT | (tss & 0xffffff) << 16 |
					 0x8bull << 40 |
					 (tss >> 24 & 0xff) << 56);
	put64(page + MF_SEL_TSS + 8, tss >> 32);

	page += TSS_OFF;
	put64(page + 4, stack); /* RSP0 */
	put64(page + 36, stack); /* IST1 */
	memcpy(page + 102, &bitmap, sizeof(bitmap));
	memset(page + TSS_BITMAP, 0xff, TSS_LIMIT - TSS_BITMAP + 1);
	page[TSS_BITMAP + MF_PORT_DOORBELL / 8] = 0xf0; /* four bytes wide */
}

static void build_idt(struct instance *inst)
{
	uint8_t *idt = inst->mem.ram + MF_IDT_GPA;
	uint64_t stub = gate_va(kvm_gate_traps);

	for (unsigned v = 0; v < MF_TRAP_VECTORS; v++, stub += 16) {
		/* int3 and into are for programs: DPL 3. */
		uint64_t type = v == 3 || v == 4 ? 0xee : 0x8e;

		put64(idt + 16 * v, (stub & 0xffff) | MF_SEL_KERNEL_CS << 16 |
					    1ull << 32 | type << 40 |
					    (stub >> 16 & 0xffff) << 48);
		put64(idt + 16 * v + 8, stub >> 32);
	}
}

static void build_gate(struct instance *inst)
{
	struct mf_boot *b = (struct mf_boot *)(inst->mem.ram + MF_BOOT_GPA);

	memcpy(inst->mem.ram + MF_GATE_GPA, kvm_gate_start,
	       (size_t)(kvm_gate_end - kvm_gate_start));
	b->gate.doorbell = gate_va(kvm_gate_doorbell);
}

static int add_slot(struct kvm_vm *vm, uint64_t gpa, uint64_t len,
		    const void *host, uint32_t flags)
{
	struct kvm_userspace_memory_region r = {
		.slot = vm->slots,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = len,
		.userspace_addr = (uint64_t)(uintptr_t)host,
	};

	if (vm->slots == KVM_SLOTS_MAX)
		return -ENOMEM;
	if (ioctl(vm->vm, KVM_SET_USER_MEMORY_REGION, &r) < 0)
		return -errno;
	vm->slots++;
	return 0;
}

int kvm_grow(struct instance *inst, uint64_t size)
{
	struct kvm_vm *vm = inst->substrate_state;
	uint64_t old = vm->ram_size;
	uint64_t below = size < MF_HOLE_LO ? size : MF_HOLE_LO;
	uint64_t above = old > MF_HOLE_HI ? old : MF_HOLE_HI;
	int err = 0;

	if (old < below)
		err = add_slot(inst->substrate_state, old, below - old,
			       inst->mem.ram + old, 0);
	if (!err && above < size)
		err = add_slot(inst->substrate_state, above, size - above,
			       inst->mem.ram + above, 0);
	/* After a reset there may be more than the guest knows of. */
	if (!err && size > old)
		vm->ram_size = size;
	return err;
}

static int make_vm(struct instance *inst, struct kvm_vm *vm, struct err *e)
{
	struct kvm_enable_cap split = {
		.cap = KVM_CAP_SPLIT_IRQCHIP,
		.args = { 24 },
	};

	vm->vm = ioctl(inst->kvm_fd, KVM_CREATE_VM, 0);
	if (vm->vm < 0)
		return err_sys(e, errno,
			       "/dev/kvm refuses to make a VM (--substrate "
			       "process does without)");
	/* No interrupt controller is used; this one is the cheapest. */
	ioctl(vm->vm, KVM_ENABLE_CAP, &split);
	return 0;
}

static int add_memory(struct instance *inst, struct kvm_vm *vm, struct err *e)
{
	int err;

	vm->ram_size = inst->mem.ram_size;
	err = add_slot(vm, 0,
		       inst->mem.ram_size < MF_HOLE_LO ? inst->mem.ram_size :
							 MF_HOLE_LO,
		       inst->mem.ram, 0);
	if (!err && inst->mem.ram_size > MF_HOLE_HI)
		err = add_slot(vm, MF_HOLE_HI, inst->mem.ram_size - MF_HOLE_HI,
			       inst->mem.ram + MF_HOLE_HI, 0);
	if (!err)
		err = add_slot(vm, MF_IMAGE_GPA, inst->mem.image_size,
			       inst->mem.image, KVM_MEM_READONLY);
	return err ? err_sys(e, -err, "KVM refuses the guest's memory") : 0;
}

static void hide(struct kvm_cpuid_entry2 *c)
{
	switch (c->function) {
	case 1:
		c->ecx &= ~(1u << 3 | 1u << 5); /* mwait, VMX */
		break;
	case 7:
		if (c->index == 0) {
			/* Protection keys, shadow stacks; AMX, IBT. */
			c->ecx &= ~(1u << 3 | 1u << 4 | 1u << 7);
			c->edx &= ~(1u << 20 | 1u << 22 | 1u << 24 | 1u << 25);
		}
		break;
	case 0xd:
		if (c->index == 0) {
			c->eax &= 0xe7;
			c->edx = 0;
		}
		break;
	case 0x80000001:
		c->ecx &= ~(1u << 2); /* SVM */
		break;
	case 0x40000001:
		c->eax = 0; /* nothing paravirtual of KVM's */
		break;
	default:
		break;
	}
}

static int set_cpuid(struct instance *inst, struct kvm_vm *vm, struct err *e)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[MF_CTL_CPUID_MAX];
	} id;

	id.head.nent = inst->cpuid_count;
	memcpy(id.entries, inst->cpuid, id.head.nent * sizeof(id.entries[0]));
	if (!id.head.nent) {
		id.head.nent = MF_CTL_CPUID_MAX;
		if (ioctl(inst->kvm_fd, KVM_GET_SUPPORTED_CPUID, &id) < 0)
			return err_sys(e, errno,
				       "KVM does not tell its CPU features");
	}
	for (uint32_t i = 0; i < id.head.nent; i++)
		hide(&id.entries[i]);
	if (ioctl(vm->vcpu, KVM_SET_CPUID2, &id) < 0)
		return err_sys(e, errno, "KVM refuses the CPU features");
	return 0;
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, bool code)
{
	return (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.dpl = selector & 3,
		.db = !code,
		.s = 1,
		.l = code,
		.g = 1,
	};
}

void kvm_segments_ring3(struct kvm_sregs *s)
{
	uint64_t fs = s->fs.base, gs = s->gs.base;

	s->cs = segment(MF_SEL_USER_CS, 11, true);
	s->ss = segment(MF_SEL_USER_DS, 3, false);
	s->ds = s->es = s->fs = s->gs = s->ss;
	s->fs.base = fs;
	s->gs.base = gs;
}

static int set_sregs(struct kvm_vm *vm, struct err *e)
{
	struct kvm_sregs s;

	if (ioctl(vm->vcpu, KVM_GET_SREGS, &s) < 0)
		return err_sys(e, errno, "KVM_GET_SREGS failed");
	kvm_segments_ring3(&s);
	s.tr = (struct kvm_segment){
		.base = MF_DIRECT_VA + MF_GDT_GPA + TSS_OFF,
		.limit = TSS_LIMIT,
		.selector = MF_SEL_TSS,
		.type = 11,
		.present = 1,
	};
	s.ldt = (struct kvm_segment){ .unusable = 1, .type = 2 };
	s.gdt.base = MF_DIRECT_VA + MF_GDT_GPA;
	s.gdt.limit = MF_SEL_TSS + 15;
	s.idt.base = MF_DIRECT_VA + MF_IDT_GPA;
	s.idt.limit = 16 * MF_TRAP_VECTORS - 1;
	s.cr0 = 0x80010033; /* PG WP NE ET MP PE */
	s.cr3 = MF_PT_GPA;
	s.cr4 = 0x50620; /* OSXSAVE FSGSBASE OSXMMEXCPT OSFXSR PAE */
	s.efer = 0xd01; /* NXE LMA LME SCE */
	if (ioctl(vm->vcpu, KVM_SET_SREGS, &s) < 0)
		return err_sys(e, errno, "KVM refuses to start in ring 3");
	return 0;
}

static int set_msrs(struct kvm_vm *vm, struct err *e)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry e[3];
	} msrs = {
		.head.nmsrs = 3,
		.e = {
			{ .index = MSR_STAR, .data = 0x0023001000000000 },
			{ .index = MSR_LSTAR, .data = gate_va(kvm_gate_lstar) },
			{ .index = MSR_FMASK, .data = 0x700 },
		},
	};

	if (ioctl(vm->vcpu, KVM_SET_MSRS, &msrs) != 3)
		return err_set(e, EIO, "KVM refuses the system call registers");
	return 0;
}

int kvm_set_vector_state(struct kvm_vm *vm, uint64_t xfeatures, struct err *e)
{
	struct kvm_xcrs xcrs = { .nr_xcrs = 1 };

	xcrs.xcrs[0].value = xfeatures;
	if (ioctl(vm->vcpu, KVM_SET_XCRS, &xcrs) < 0)
		return err_sys(e, errno, "KVM refuses the vector state");
	return 0;
}

/* What depends on the guest. */
int kvm_set_start(struct instance *inst, struct err *e)
{
	struct kvm_vm *vm = inst->substrate_state;
	/* A copy's time must not go back for who reads it here. */
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry e[1];
	} tsc = {
		.head.nmsrs = 1,
		.e = { { .index = MSR_IA32_TSC, .data = inst->facts.tsc } },
	};
	struct kvm_regs regs = {
		.rip = inst->entry,
		.rsp = inst->stack,
		.rflags = 0x3002,
	};

	if (inst->facts.tsc && ioctl(vm->vcpu, KVM_SET_MSRS, &tsc) != 1)
		return err_set(e, EIO, "KVM refuses the guest's time");
	if (ioctl(vm->vcpu, KVM_SET_REGS, &regs) < 0)
		return err_sys(e, errno, "KVM refuses the start registers");
	return 0;
}

/*
 * SIGALRM is blocked but inside KVM_RUN, which it ends. While the guest is
 * idle one signal stays queued, and a queued timer does not fire again.
 */
static int start_tick(struct kvm_vm *vm, struct err *e)
{
	/* struct kvm_signal_mask and an empty set: nothing is blocked. */
	_Alignas(4) uint8_t mask[4 + SIGSET_BYTES] = { SIGSET_BYTES };
	struct itimerspec period = {
		.it_interval.tv_nsec = TICK_NS,
		.it_value.tv_nsec = TICK_NS,
	};
	timer_t timer;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (ioctl(vm->vcpu, KVM_SET_SIGNAL_MASK, mask) < 0)
		return err_sys(e, errno, "KVM_SET_SIGNAL_MASK failed");
	if (timer_create(CLOCK_MONOTONIC, NULL, &timer) < 0 ||
	    timer_settime(timer, 0, &period, NULL) < 0)
		return err_sys(e, errno, "cannot start the preemption timer");
	return 0;
}

int kvm_create(struct instance *inst, struct err *e)
{
	struct kvm_vm *vm = &vm_state;
	int size, khz, err;

	inst->substrate_state = vm;
	if (inst->kvm_fd < 0)
		return err_set(e, ENODEV, "/dev/kvm was not handed over");
	err = make_vm(inst, vm, e);
	if (err)
		return err;
	vm->vcpu = ioctl(vm->vm, KVM_CREATE_VCPU, 0);
	if (vm->vcpu < 0)
		return err_sys(e, errno, "KVM refuses to make a vCPU");
	size = ioctl(inst->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	vm->run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED,
		       vm->vcpu, 0);
	if (size < 0 || vm->run == MAP_FAILED)
		return err_sys(e, errno, "cannot map the vCPU");
	if ((err = set_cpuid(inst, vm, e)) < 0 ||
	    (err = set_sregs(vm, e)) < 0 || (err = set_msrs(vm, e)) < 0 ||
	    (err = kvm_set_vector_state(vm, loader_xfeatures(), e)) < 0)
		return err;
	if (inst->mem.ram && (err = add_memory(inst, vm, e)) < 0)
		return err;
	khz = ioctl(vm->vcpu, KVM_GET_TSC_KHZ, 0);
	inst->clock.tsc_khz = khz > 0 ? (uint64_t)khz : 0;
	return start_tick(vm, e);
}

/* What a guest finds in its first pages and never changes. */
void kvm_build_tables(struct instance *inst)
{
	build_gdt(inst);
	build_idt(inst);
	build_gate(inst);
}

int kvm_attach(struct instance *inst, struct err *e)
{
	struct kvm_vm *vm = inst->substrate_state;
	uint64_t xfeatures =
		((struct mf_boot *)(inst->mem.ram + MF_BOOT_GPA))->xfeatures;
	int err = vm->slots ? 0 : add_memory(inst, vm, e);

	if (err)
		return err;
	kvm_build_tables(inst);
	if (xfeatures != loader_xfeatures() &&
	    (err = kvm_set_vector_state(vm, xfeatures, e)) < 0)
		return err;
	err = kvm_set_start(inst, e);
	return err || !inst->start.keep ? err : kvm_keep(inst, e);
}

/* As take_sample() of clock.c: the host may take the CPU away in between, for
 * milliseconds, by half of which the guest's clock would be wrong. */
uint64_t kvm_tsc_offset(struct instance *inst)
{
	struct kvm_vm *vm = inst->substrate_state;
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry e[1];
	} msr = { .head.nmsrs = 1, .e = { { .index = MSR_IA32_TSC } } };
	uint64_t width_min = UINT64_MAX, offset = 0;

	for (int i = 0; i < TSC_SAMPLES && width_min > TSC_GOOD_TICKS; i++) {
		uint64_t before = __rdtsc(), width;

		if (ioctl(vm->vcpu, KVM_GET_MSRS, &msr) != 1)
			break;
		width = __rdtsc() - before;
		if (width >= width_min)
			continue;
		width_min = width;
		offset = msr.e[0].data - (before + width / 2);
	}
	return offset;
}
