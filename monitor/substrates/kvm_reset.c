/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vCPU as it was before the first instruction. A guest owns its page
 * tables, so it can get to ring 0 and change whatever a vCPU has: all of that
 * is put back, not what a program would change.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "monitor/substrates/kvm.h"

#define MSRS_MAX     512u
#define MSR_IA32_TSC 0x10u

static struct {
	struct kvm_sregs sregs;
	struct kvm_xsave xsave;
	struct kvm_lapic_state lapic;
	struct kvm_debugregs debug;
	struct kvm_vcpu_events events;
	struct kvm_mp_state mp;
	uint64_t xfeatures;
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry e[MSRS_MAX];
	} msrs;
	bool moved; /* where the page is by which translations go */
} kept;

/* Those that can be read and written; time is set apart. */
static int keep_msrs(struct instance *inst, struct kvm_vm *vm)
{
	static struct {
		struct kvm_msr_list head;
		uint32_t index[MSRS_MAX];
	} list;
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry e[1];
	} one = { .head.nmsrs = 1 };

	list.head.nmsrs = MSRS_MAX;
	if (ioctl(inst->kvm_fd, KVM_GET_MSR_INDEX_LIST, &list) < 0)
		return -errno;
	kept.msrs.head.nmsrs = 0;
	for (uint32_t i = 0; i < list.head.nmsrs; i++) {
		one.e[0] = (struct kvm_msr_entry){ .index = list.index[i] };
		if (one.e[0].index != MSR_IA32_TSC &&
		    ioctl(vm->vcpu, KVM_GET_MSRS, &one) == 1 &&
		    ioctl(vm->vcpu, KVM_SET_MSRS, &one) == 1)
			kept.msrs.e[kept.msrs.head.nmsrs++] = one.e[0];
	}
	return 0;
}

/*
 * KVM with shadow page tables holds translations made from page tables that
 * were written to from outside since. When a slot is moved it forgets all of
 * every slot (Documentation/virt/kvm/api.rst, KVM_X86_QUIRK_SLOT_ZAP_ALL), so
 * a page of zeros that nobody uses moves to and fro.
 */
static int forget_translations(struct kvm_vm *vm)
{
	static _Alignas(MF_PAGE_SIZE) const uint8_t zeros[MF_PAGE_SIZE];
	struct kvm_userspace_memory_region r = {
		.slot = KVM_SLOTS_MAX,
		.flags = KVM_MEM_READONLY,
		.memory_size = MF_PAGE_SIZE,
		.userspace_addr = (uint64_t)(uintptr_t)zeros,
	};

	kept.moved = !kept.moved;
	r.guest_phys_addr = MF_IMAGE_GPA - (kept.moved ? 1 : 2) * MF_PAGE_SIZE;
	return ioctl(vm->vm, KVM_SET_USER_MEMORY_REGION, &r) < 0 ? -errno : 0;
}

int kvm_keep(struct instance *inst, struct err *e)
{
	const struct mf_boot *b =
		(const struct mf_boot *)(inst->mem.ram + MF_BOOT_GPA);
	struct kvm_vm *vm = inst->substrate_state;
	int err;

	kept.xfeatures = b->xfeatures;
	if (ioctl(vm->vcpu, KVM_GET_SREGS, &kept.sregs) < 0 ||
	    ioctl(vm->vcpu, KVM_GET_XSAVE, &kept.xsave) < 0 ||
	    ioctl(vm->vcpu, KVM_GET_LAPIC, &kept.lapic) < 0 ||
	    ioctl(vm->vcpu, KVM_GET_DEBUGREGS, &kept.debug) < 0 ||
	    ioctl(vm->vcpu, KVM_GET_VCPU_EVENTS, &kept.events) < 0 ||
	    ioctl(vm->vcpu, KVM_GET_MP_STATE, &kept.mp) < 0)
		return err_sys(e, errno, "KVM does not tell the registers");
	err = keep_msrs(inst, vm);
	if (!err)
		err = forget_translations(vm);
	return err ? err_sys(e, -err, "KVM does not let a guest be reset") : 0;
}

static int put_back(struct kvm_vm *vm)
{
	struct kvm_sregs now;

	if (ioctl(vm->vcpu, KVM_GET_SREGS, &now) < 0)
		return -errno;
	/* A change of this bit makes the vCPU forget translations. */
	kept.sregs.cr4 = (kept.sregs.cr4 & ~CR4_PGE) | (~now.cr4 & CR4_PGE);
	if (ioctl(vm->vcpu, KVM_SET_MP_STATE, &kept.mp) < 0 ||
	    ioctl(vm->vcpu, KVM_SET_SREGS, &kept.sregs) < 0 ||
	    ioctl(vm->vcpu, KVM_SET_XSAVE, &kept.xsave) < 0 ||
	    ioctl(vm->vcpu, KVM_SET_LAPIC, &kept.lapic) < 0 ||
	    ioctl(vm->vcpu, KVM_SET_DEBUGREGS, &kept.debug) < 0 ||
	    ioctl(vm->vcpu, KVM_SET_VCPU_EVENTS, &kept.events) < 0)
		return -errno;
	if (ioctl(vm->vcpu, KVM_SET_MSRS, &kept.msrs) !=
	    (int)kept.msrs.head.nmsrs)
		return -EIO;
	return 0;
}

int kvm_reset(struct instance *inst, bool same_tables, struct err *e)
{
	struct kvm_vm *vm = inst->substrate_state;
	int err = same_tables ? 0 : forget_translations(vm);

	if (!err) {
		kvm_build_tables(inst);
		err = put_back(vm);
	}
	if (err)
		return err_sys(e, -err, "KVM refuses to reset the guest");
	err = kvm_set_vector_state(vm, kept.xfeatures, e);
	return err ? err : kvm_set_start(inst, e);
}
