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
	uint64_t ram_size; /* bytes of RAM that have slots */
};

int kvm_create(struct instance *inst, struct err *e);
int kvm_attach(struct instance *inst, struct err *e);
int kvm_grow(struct instance *inst, uint64_t size);
/* The registers with which a guest begins, but for what they all share. */
int kvm_set_start(struct instance *inst, struct err *e);
int kvm_set_vector_state(struct kvm_vm *vm, uint64_t xfeatures, struct err *e);
/* Descriptor tables and gate: what a guest finds and should not change. */
void kvm_build_tables(struct instance *inst);

/* kvm_reset.c: all that a guest can have changed of its vCPU. */
/* Remembers it, when the guest has not run yet. */
int kvm_keep(struct instance *inst, struct err *e);
/* `same_tables`: RAM was put back, but the page tables had not changed. */
int kvm_reset(struct instance *inst, bool same_tables, struct err *e);
uint64_t kvm_tsc_offset(struct instance *inst);
/* Code, stack and data segments as the program sees them. */
void kvm_segments_ring3(struct kvm_sregs *s);

#endif
