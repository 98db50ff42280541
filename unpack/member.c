/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names as strings only: no file system is asked here. What a symbolic link
 * makes of a name is tree.c's business.
 */
#include "unpack/member.h"

#include <stdio.h>
#include <string.h>

int member_join(char ret[MEMBER_LEN_MAX + 1], const char *dir, const char *name,
		size_t name_len)
{
	size_t len = strlen(dir);

	if (len + name_len + 1 > MEMBER_LEN_MAX)
		return -1;
	if (ret != dir)
		memcpy(ret, dir, len);
	if (len > 0)
		ret[len++] = '/';
	memcpy(ret + len, name, name_len);
	ret[len + name_len] = '\0';
	return 0;
}

enum member_fault member_clean(char ret[MEMBER_LEN_MAX + 1], const char *name)
{
	unsigned depth = 0;
	size_t len;

	if (name[0] == '\0')
		return MEMBER_EMPTY;
	if (name[0] == '/')
		return MEMBER_ABSOLUTE;
	ret[0] = '\0';
	for (; *name; name += len + (name[len] == '/')) {
		len = strcspn(name, "/");
		if (len == 0 || (len == 1 && name[0] == '.'))
			continue;
		if (len == 2 && memcmp(name, "..", 2) == 0)
			return MEMBER_CLIMBS;
		if (len > MEMBER_NAME_MAX)
			return MEMBER_NAME_LONG;
		if (member_join(ret, ret, name, len) < 0)
			return MEMBER_LONG;
		if (++depth > MEMBER_DEPTH_MAX)
			return MEMBER_DEEP;
	}
	return MEMBER_OK;
}

const char *member_fault_text(enum member_fault f)
{
	switch (f) {
	case MEMBER_OK:
		break;
	case MEMBER_EMPTY:
		return "has no name";
	case MEMBER_ABSOLUTE:
		return "has an absolute name, which would leave the image";
	case MEMBER_CLIMBS:
		return "has .. in its name, which would leave the image";
	case MEMBER_LONG:
		return "has a path of more than 4095 bytes";
	case MEMBER_NAME_LONG:
		return "has a name of more than 255 bytes";
	case MEMBER_DEEP:
		return "is more than 100 directories deep";
	}
	return "is fine";
}

void member_pop(char *path)
{
	char *slash = strrchr(path, '/');

	*(slash ? slash : path) = '\0';
}

unsigned member_depth(const char *path)
{
	unsigned depth = *path != '\0';

	for (; *path; path++)
		depth += *path == '/';
	return depth;
}

const char *member_show(char ret[MEMBER_SHOW_MAX], const char *path)
{
	size_t len = strlen(path);

	if (len < MEMBER_SHOW_MAX)
		memcpy(ret, path, len + 1);
	else
		snprintf(ret, MEMBER_SHOW_MAX, "...%s",
			 path + len - (MEMBER_SHOW_MAX - 4));
	return ret;
}
