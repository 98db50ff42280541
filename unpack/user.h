/* SPDX-License-Identifier: Apache-2.0 */
/* Whom an image's programs run as, by its own /etc/passwd and /etc/group. */
#ifndef UNPACK_USER_H
#define UNPACK_USER_H

#include <stdint.h>

#include "host/err.h"

#define USER_FILE_MAX (1u << 20) /* bytes of one of the two files */
#define USER_HOME_MAX 1024

struct user {
	uint32_t uid;
	uint32_t gid;
	char home[USER_HOME_MAX]; /* "/" if nobody knows */
};

/*
 * `spec` is USER, UID, USER:GROUP, UID:GID or a mixture, or "" for root;
 * `root` is the root file system. A name must be in the image's files, a
 * number need not.
 */
int user_find(int root, const char *spec, struct user *ret, struct err *e);

#endif
