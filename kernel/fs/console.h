/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors 0, 1 and 2 of a program that has just started. */
#ifndef KERNEL_FS_CONSOLE_H
#define KERNEL_FS_CONSOLE_H

#include "core/kernel.h"

/* Opens the descriptors the boot page says are open. 0 or -ENOMEM. */
int console_init(void);

/*
 * /dev/tty: the terminal that standard input and output are. -ENXIO if they
 * are not one, 0 or -ENOMEM.
 */
struct file;
int console_open_tty(uint32_t flags, struct file **ret);

/* Leaves the guest until all output has been taken; at the very end. */
void console_drain(void);

/*
 * What is sent next shall not be there before the output so far: an instance
 * that has answered may be reset at once, and what it still holds is gone.
 */
void console_precede(void);

/* No output is queued or under way. */
bool console_idle(void);
/* In a copy of a snapshot: asks again for the input that was asked for. */
void console_resume(void);

#endif
