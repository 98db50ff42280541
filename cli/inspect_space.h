/* SPDX-License-Identifier: Apache-2.0 */
/* mayfly inspect: which directories of an image take the space. */
#ifndef CLI_INSPECT_SPACE_H
#define CLI_INSPECT_SPACE_H

#include "host/err.h"
#include "image/image.h"

/* Prints the largest ones, then what is left, to stdout. */
int inspect_space(const struct image *img, struct err *e);

#endif
