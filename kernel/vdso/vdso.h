/* SPDX-License-Identifier: Apache-2.0 */
/* What the vDSO exports; the names and types are Linux's, vdso(7). */
#ifndef KERNEL_VDSO_VDSO_H
#define KERNEL_VDSO_VDSO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct __kernel_timespec;
struct vdso_timeval;

#pragma GCC visibility push(default)
int __vdso_clock_gettime(int clock, struct __kernel_timespec *ts);
int __vdso_gettimeofday(struct vdso_timeval *tv, void *zone);
int64_t __vdso_time(int64_t *t);
int __vdso_clock_getres(int clock, struct __kernel_timespec *ts);
int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);
#pragma GCC visibility pop

#endif
