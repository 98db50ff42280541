/* SPDX-License-Identifier: Apache-2.0 */
/* Whom an image's programs want to run as, by its own /etc/passwd. */
#ifndef UNPACK_USER_H
#define UNPACK_USER_H

#include <stdint.h>

#include "host/err.h"

#define USER_FILE_MAX (1u << 20) /* bytes of the file that are read */
#define USER_HOME_MAX 1024

struct user {
	uint32_t uid;
	char home[USER_HOME_MAX]; /* "/" if nobody knows */
};

/*
 * `spec` is USER or UID, with or without :GROUP, or "" for root; `root` is
 * the root file system. A name must be in the image's file, a number need
 * not.
 */
int user_find(int root, const char *spec, struct user *ret, struct err *e);

#endif
