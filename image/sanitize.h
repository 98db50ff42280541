/* SPDX-License-Identifier: Apache-2.0 */
/* Removes from a tree what has no place in an image. */
#ifndef IMAGE_SANITIZE_H
#define IMAGE_SANITIZE_H

#include "image/source.h"

/*
 * Drops devices, sockets and pipes, setuid and setgid bits, mayfly's own
 * directory, and mayfly images that lie in the tree (a build in the source's
 * own directory leaves one there). A warning says what and how many.
 */
int sanitize_tree(struct source *s, struct err *e);

#endif
