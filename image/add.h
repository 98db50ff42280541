/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies files and directories of this machine into a tree. Symbolic links
 * stay as they are; devices, sockets and pipes are left out, setuid and
 * setgid bits are dropped, and a warning says so.
 */
#ifndef IMAGE_ADD_H
#define IMAGE_ADD_H

#include "image/source.h"

/*
 * `spec` is HOSTPATH or HOSTPATH:IMAGEPATH. Without the latter an absolute
 * HOSTPATH keeps its place and a relative one is taken from the root. A
 * relative HOSTPATH is found from `base`, or from the current directory if
 * that is NULL. A HOSTPATH that is itself a symbolic link is followed.
 */
int add_host(struct source *s, const char *base, const char *spec,
	     struct err *e);

#endif
