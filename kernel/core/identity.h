/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel calls itself and the instance, in uname and /proc. */
#ifndef KERNEL_CORE_IDENTITY_H
#define KERNEL_CORE_IDENTITY_H

#include "core/alloc.h"

#define KERNEL_RELEASE "6.1.0-mayfly"
#define KERNEL_VERSION "#1 Mayfly"

static inline const char *boot_args(uint32_t off)
{
	return (const char *)gpa_kva((gpa_t){ kernel_boot->args_gpa + off });
}

static inline const char *kernel_hostname(void)
{
	return kernel_boot->hostname;
}

#endif
