/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CPU features KVM supports, remembered per boot of the host: asking KVM
 * executes CPUID for every leaf, which costs a nested host about a
 * millisecond, more than making the whole VM.
 */
#ifndef LAUNCH_KVM_FEATURES_H
#define LAUNCH_KVM_FEATURES_H

#include <stdint.h>

/*
 * Writes up to MF_CTL_CPUID_MAX entries (struct kvm_cpuid_entry2) to ret and
 * returns how many; 0 if KVM does not tell.
 */
uint32_t kvm_features_get(int kvm_fd, void *ret);

#endif
