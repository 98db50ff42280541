/* SPDX-License-Identifier: Apache-2.0 */
/* The random generator behind getrandom and /dev/urandom. Never blocks. */
#ifndef KERNEL_CORE_RANDOM_H
#define KERNEL_CORE_RANDOM_H

#include "core/kernel.h"

void random_init(const uint8_t *seed, size_t len);
void random_fill(void *buf, size_t len);

#endif
