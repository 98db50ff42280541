/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the CPU says of itself. Each call leaves the guest under KVM (7 us),
 * so nothing on a hot path asks.
 */
#include "arch.h"

void arch_cpuid(uint32_t leaf, uint32_t subleaf, struct arch_cpuid *ret)
{
	__asm__ volatile("cpuid"
			 : "=a"(ret->eax), "=b"(ret->ebx), "=c"(ret->ecx),
			   "=d"(ret->edx)
			 : "a"(leaf), "c"(subleaf));
}
