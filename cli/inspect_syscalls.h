/* SPDX-License-Identifier: Apache-2.0 */
/* What `mayfly inspect --syscalls` prints. */
#ifndef CLI_INSPECT_SYSCALLS_H
#define CLI_INSPECT_SYSCALLS_H

#include <stdbool.h>

#include "image/image.h"

/* Prints the rewrite report of an image that was loaded. */
int inspect_syscalls(const struct image *img, bool json, struct err *e);

#endif
