/* SPDX-License-Identifier: Apache-2.0 */
/* What a CPU offers to programs, for snapshots that move between hosts. */
#ifndef LAUNCH_CPU_WORDS_H
#define LAUNCH_CPU_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/snapshot.h"

/* Of this CPU: feature bits of CPUID, only those that programs look at. */
void cpu_words_get(uint32_t ret[MF_SNAPSHOT_CPU_WORDS]);

/* `here`: whether this CPU has it. */
typedef void (*cpu_words_fn)(void *arg, const char *feature, bool here);
/* For each bit that is set; features are named as in /proc/cpuinfo. */
void cpu_words_each(const uint32_t words_set[MF_SNAPSHOT_CPU_WORDS],
		    cpu_words_fn fn, void *arg);

/*
 * Whether this CPU has all bits that are set in `want`. If not, `ret` says
 * which is missing first, as "CPUID leaf 7.0 ebx bit 16".
 */
bool cpu_words_cover(const uint32_t want[MF_SNAPSHOT_CPU_WORDS], char ret[48]);

#endif
