/* SPDX-License-Identifier: Apache-2.0 */
/* Looks through a staged tree. */
#ifndef IMAGE_SCAN_H
#define IMAGE_SCAN_H

#include "host/strlist.h"
#include "image/stage.h"

/*
 * The paths of all regular files that begin like an ELF file, sorted by
 * name within each directory. 0 or -errno.
 */
int scan_elf(const struct stage *s, struct strlist *ret);

#endif
