/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completes a tree with what its dynamic programs load: interpreters and
 * shared libraries, found where the loader of this machine would find them
 * and put where the loader of the image will.
 */
#ifndef IMAGE_CLOSURE_H
#define IMAGE_CLOSURE_H

#include <stdint.h>

#include "image/source.h"

/*
 * s->config.program names the program. If s->config.libraries is set, the
 * closure of every ELF file of the tree is added from this machine; what a
 * program lacks is an error (ENOEXEC) that names it and who wants it, what
 * only a plug-in lacks is a warning. Otherwise the tree is complete, only the
 * program is looked at, and a library that it lacks is a warning.
 *
 * *ret_private_bytes is the size of the writable segments of the program
 * and all it loads at its start.
 */
int closure_add(struct source *s, uint64_t *ret_private_bytes, struct err *e);

#endif
