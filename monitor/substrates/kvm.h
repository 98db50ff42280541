/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files of the kvm substrate share. */
#ifndef MONITOR_SUBSTRATES_KVM_H
#define MONITOR_SUBSTRATES_KVM_H

#include <linux/kvm.h>

#include "monitor/instance.h"

#define CR4_PGE	      0x80ull
#define KVM_SLOTS_MAX 64u /* RAM at least doubles with each */

struct kvm_vm {
	int vm; /* descriptors */
	int vcpu;
	struct kvm_run *run; /* the vCPU's shared page */
	uint32_t slots; /* memory slots in use */
	bool moved; /* where the page is by which translations go */
	uint64_t ram_size; /* bytes of RAM that have slots */
	struct kvm_sregs sregs; /* at the first instruction, if kept */
	struct kvm_xsave xsave;
};

int kvm_create(struct instance *inst, struct err *e);
int kvm_attach(struct instance *inst, struct err *e);
int kvm_reset(struct instance *inst, bool same_tables, struct err *e);
int kvm_grow(struct instance *inst, uint64_t size);
uint64_t kvm_tsc_offset(struct instance *inst);
/* Code, stack and data segments as the program sees them. */
void kvm_segments_ring3(struct kvm_sregs *s);

#endif
