/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a seccomp filter may answer to a system call whose arguments are not
 * known: the classic BPF is followed on every way that it can take. Nothing
 * is missed; a way that no arguments could make it take may be added.
 */
#ifndef BENCH_SECCOMP_BPF_H
#define BENCH_SECCOMP_BPF_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#define SECCOMP_MAY_RUN	 1u /* ALLOW, LOG, TRACE or USER_NOTIF */
#define SECCOMP_MAY_FAIL 2u /* every other action */

/*
 * The outcomes of one filter, or-ed together, for call number nr of arch
 * (AUDIT_ARCH_X86_64...); negative if it is no valid filter: -EINVAL, or out
 * of memory: -ENOMEM.
 */
int seccomp_bpf_outcomes(const struct sock_filter *filter, size_t count,
			 uint32_t nr, uint32_t arch);

/*
 * The outcomes of a process with several filters, of which the strictest
 * decides.
 */
unsigned int seccomp_bpf_join(unsigned int outcomes, unsigned int more);

#endif
