/* SPDX-License-Identifier: Apache-2.0 */
/* Resource limits: what a program may ask about and lower. */
#ifndef KERNEL_CORE_RLIMIT_H
#define KERNEL_CORE_RLIMIT_H

#include <linux/resource.h>

#include "core/kernel.h"

/* 0 or -EINVAL. */
int rlimit_get(uint32_t resource, struct rlimit64 *ret);
/* 0, -EINVAL, or -EPERM for raising a hard limit. */
int rlimit_set(uint32_t resource, const struct rlimit64 *l);
/* The soft limit of a resource that exists. */
uint64_t rlimit_value(uint32_t resource);
/* The soft limit of descriptors: the first number that is refused. */
uint32_t rlimit_nofile(void);

#endif
