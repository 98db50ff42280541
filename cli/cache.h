/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a host remembers between starts, in $XDG_CACHE_HOME/mayfly or
 * ~/.cache/mayfly: that an image was verified, and images sealed from
 * programs. Both are keyed by what changes when a file changes (device,
 * inode, size, mtime, ctime), so that a start only has to ask for that.
 *
 *	verified/DEV-INO	size, mtime, ctime and digest of the image
 *	sealed/KEY.img		KEY names the program, its name and the kernel
 *	kvm-cpuid		what KVM supports, see cli/kvm_features.h
 *
 * Everything here may be deleted at any time. Several commands may work in
 * it at once: files appear complete, by rename.
 */
#ifndef CLI_CACHE_H
#define CLI_CACHE_H

#include "host/err.h"
#include "image/image.h"

/*
 * Opens, verifies if this file was not verified since it last changed, and
 * loads the image of `path`: the image itself, or one sealed from the
 * program. *ret_status is the command's exit status if it fails.
 */
int cache_open(struct image *ret, const char *path, const char *kernel_path,
	       int *ret_status, struct err *e);

#define CACHE_PATH_MAX 1024

/* The path of `sub` in the cache; -ENOENT if there is no place for one. */
int cache_path(char ret[CACHE_PATH_MAX], const char *sub);

/* Can programs be kept sealed here? */
int cache_probe(struct err *e);

#endif
