/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symbolic links of a tree that was put together from files of this machine:
 * one that leads to something here and to nothing in the image would only
 * break what reads it.
 */
#ifndef IMAGE_LINKS_H
#define IMAGE_LINKS_H

#include "image/source.h"

/*
 * Leaves such links out and warns of them, and of those that go round in a
 * circle. A tree that is complete by itself (config.libraries is false) keeps
 * all its links.
 */
int links_check(struct source *s, struct err *e);

#endif
