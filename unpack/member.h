/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of archive members. A name is taken relative to the root of the
 * image; one that means anything outside of it has no clean form.
 */
#ifndef UNPACK_MEMBER_H
#define UNPACK_MEMBER_H

#include <stddef.h>

#define MEMBER_LEN_MAX	 4095 /* bytes of a clean path */
#define MEMBER_NAME_MAX	 255 /* bytes of one component */
#define MEMBER_DEPTH_MAX 100 /* components */

enum member_fault {
	MEMBER_OK,
	MEMBER_EMPTY,
	MEMBER_ABSOLUTE,
	MEMBER_CLIMBS, /* has a component .. */
	MEMBER_LONG,
	MEMBER_NAME_LONG,
	MEMBER_DEEP,
};

/*
 * Writes the components of `name` to ret, one slash between them, without
 * "." and without slashes at the ends; "" is the root itself.
 */
enum member_fault member_clean(char ret[MEMBER_LEN_MAX + 1], const char *name);

/* What is wrong, as the end of a sentence about the name. */
const char *member_fault_text(enum member_fault f);

/* ret = dir + "/" + name, or name if dir is "". -1 if it is too long. */
int member_join(char ret[MEMBER_LEN_MAX + 1], const char *dir, const char *name,
		size_t name_len);

/* Cuts the last component off; "" stays "". */
void member_pop(char *path);

unsigned member_depth(const char *path);

#define MEMBER_SHOW_MAX 84

/* For messages: the path, or "..." and its end if it is long. */
const char *member_show(char ret[MEMBER_SHOW_MAX], const char *path);

#endif
