/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files of the kvm substrate share. */
#ifndef MONITOR_SUBSTRATES_KVM_H
#define MONITOR_SUBSTRATES_KVM_H

#include <linux/kvm.h>

#include "monitor/instance.h"

#define CR4_PGE 0x80ull

struct kvm_vm {
	int vm; /* descriptors */
	int vcpu;
	struct kvm_run *run; /* the vCPU's shared page */
	uint32_t slots; /* memory slots in use */
};

int kvm_init(struct instance *inst, struct err *e);
int kvm_grow(struct instance *inst, uint64_t size);
uint64_t kvm_tsc_offset(struct instance *inst);
/* Code, stack and data segments as the program sees them. */
void kvm_segments_ring3(struct kvm_sregs *s);

#endif
