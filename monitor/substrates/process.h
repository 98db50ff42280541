/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the process substrate share: the doorbell word, the
 * gate's symbols, the descriptors of the guest's process.
 *
 * The doorbell is one word, mf_shared.doorbell, which both sides also sleep
 * on. The guest sets RUNG and its operation and waits until RUNG is gone;
 * the monitor waits for RUNG and clears the word to answer. Whoever goes to
 * sleep says so in the word first, so a wake-up is a system call only when
 * somebody sleeps.
 */
#ifndef MONITOR_SUBSTRATES_PROCESS_H
#define MONITOR_SUBSTRATES_PROCESS_H

#include <linux/filter.h>

#include "monitor/instance.h"

/* process_gate.S knows these values. */
#define DOORBELL_RUNG		0x80000000u
#define DOORBELL_GUEST_SLEEPS	0x40000000u
#define DOORBELL_MONITOR_SLEEPS 1u
#define DOORBELL_OP		0x3fffffffu

/* Operations that the gate itself rings. */
#define DOORBELL_GATE	 0x3f000000u
#define DOORBELL_STARTED (DOORBELL_GATE | 0x200u) /* ready to enter */
#define DOORBELL_FAILED	 (DOORBELL_GATE | 0x300u) /* arg: errno, step */
#define DOORBELL_NO_PAGE (DOORBELL_GATE | 0x100u) /* SIGBUS of the host */
#define DOORBELL_TRAP	 DOORBELL_GATE /* | vector: before the kernel */

/* The descriptors of the guest's process. */
#define PROCESS_RAM_FD	 0
#define PROCESS_IMAGE_FD 1
#define PROCESS_FDS	 2

/* A tick; by default it is ignored and nobody else sends it. */
#define PROCESS_TICK_SIGNAL 23 /* SIGURG */

/* Signal frames; the pages hold kvm's descriptor tables there. */
#define PROCESS_SIGSTACK_GPA  MF_GDT_GPA
#define PROCESS_SIGSTACK_SIZE (MF_LATE_GPA - MF_GDT_GPA)

extern const uint8_t process_gate_start[], process_gate_end[];
extern const uint8_t process_gate_doorbell[], process_gate_map[];
extern const uint8_t process_gate_unmap[], process_gate_protect[];
extern const uint8_t process_gate_discard[];
extern const uint8_t process_gate_enter[], process_gate_sigsys[];
extern const uint8_t process_gate_trap[], process_gate_tick[];

uint64_t process_gate_va(const uint8_t *symbol);

/* Becomes the guest; in the new process, with the monitor's memory. */
_Noreturn void process_child(struct instance *inst, pid_t parent);
/* What process_child was doing when it reported DOORBELL_FAILED. */
const char *process_child_step(uint64_t step);

/* The guest's seccomp filter. */
extern const struct sock_fprog process_filter;

#endif
