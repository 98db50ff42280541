/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a host remembers between starts, in $XDG_CACHE_HOME/mayfly or
 * ~/.cache/mayfly: that an image was verified, and images sealed from
 * programs. Both are keyed by what changes when a file changes (device,
 * inode, size, mtime, ctime), so that a start only has to ask for that.
 *
 *	verified/DEV-INO	size, mtime, ctime and digest of the image
 *	sealed/			images of programs, see cli/sealed.h
 *	kvm-cpuid		what KVM supports, see launch/kvm_features.h
 *
 * Everything here may be deleted at any time. Several commands may work in
 * it at once: files appear complete, by rename.
 */
#ifndef LAUNCH_CACHE_H
#define LAUNCH_CACHE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "host/err.h"
#include "image/image.h"

#define CACHE_PATH_MAX 1024

/* The path of `sub` in the cache; -ENOENT if there is no place for one. */
int cache_path(char ret[CACHE_PATH_MAX], const char *sub);

/*
 * Opens, verifies if this file was not verified since it last changed, and
 * loads an image.
 */
int cache_open_image(struct image *ret, const char *path, struct err *e);

/* Whether a file in this state was verified to have this digest, once. */
bool cache_is_verified(const struct stat *st,
		       const uint8_t digest[IMAGE_DIGEST_SIZE]);
/* It was just now; cache_settle() said that this can be remembered. */
void cache_set_verified(const struct stat *st,
			const uint8_t digest[IMAGE_DIGEST_SIZE]);

/*
 * Waits until a change made now would show in the time stamps of a file that
 * changed at `ctime`. False if that lies in the future: then nothing can be
 * remembered about it.
 */
bool cache_settle(const struct timespec *ctime);

/* In nanoseconds. */
int64_t cache_ns(const struct timespec *t);

#endif
