/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables of the environment that each copy of a snapshot may set: on the
 * program's stack each lies by itself, with room for another value.
 */
#ifndef KERNEL_CORE_LATE_ENV_H
#define KERNEL_CORE_LATE_ENV_H

#include "core/kernel.h"

/* Bytes that a variable, NAME=value, is to have on the stack. */
size_t late_env_size(const char *entry);
/* Puts it there; panics without memory. */
void late_env_add(const char *entry, uint64_t va);

/* How many there are; where the i-th is, and what it says (NULL: no more). */
uint32_t late_env_count(void);
uint64_t late_env_va(uint32_t i);
const char *late_env_text(uint32_t i);

/* In a copy: the values that came with it. */
void late_env_resume(void);

#endif
