/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of /proc and /sys. */
#ifndef KERNEL_FS_PROC_H
#define KERNEL_FS_PROC_H

#include "fs/pseudo.h"

extern const struct pseudo_node proc_root;
extern const struct pseudo_node sysfs_root;

/* /proc/PID, fs/proc_self.c. */
extern const struct pseudo_node proc_process;

/* /proc/mayfly, fs/proc_mayfly.c. */
#define PROC_MAYFLY_FILES 4
extern const struct pseudo_node proc_mayfly[PROC_MAYFLY_FILES];

/* In a copy of a snapshot: tells the program, in the ways it has chosen. */
void proc_mayfly_resume(void);

#endif
