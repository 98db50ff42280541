/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two files are the image's, so a line of them may be anything: what is
 * not NAME:x:NUMBER:... is passed over.
 */
#include "unpack/user.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "host/file.h"

#define ID_MAX	   (UINT32_MAX - 1) /* the last one means "no user" */
#define SPEC_MAX   255
#define PASSWD	   "etc/passwd"
#define GROUP	   "etc/group"
#define FIELDS	   7
#define FIELD_NAME 0
#define FIELD_ID   2
#define FIELD_GID  3
#define FIELD_HOME 5

/* The text of a file of the image; "" if there is none to be read. */
static char *read_text(int root, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	AUTO_CLOSE int fd =
		(int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	AUTO_FREE char *text = calloc(1, USER_FILE_MAX + 1);
	struct stat st;

	if (!text || fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return take_ptr(text);
	if (st.st_size > USER_FILE_MAX)
		st.st_size = USER_FILE_MAX;
	if (file_pread(fd, text, (size_t)st.st_size, 0) < 0)
		text[0] = '\0';
	return take_ptr(text);
}

static bool parse_id(const char *text, uint32_t *ret)
{
	uint64_t v = 0;

	if (*text == '\0')
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		v = v * 10 + (uint64_t)(*text - '0');
		if (v > ID_MAX)
			return false;
	}
	*ret = (uint32_t)v;
	return true;
}

/* Cuts the line at its colons; what is missing is "". */
static void split(char *line, const char *fields[FIELDS])
{
	int i;

	for (i = 0; i < FIELDS; i++) {
		fields[i] = line;
		line += strcspn(line, ":");
		if (*line)
			*line++ = '\0';
	}
}

/*
 * The line that has the name or, if `by_id`, the number. Fills fields, which
 * point into `text`, and *ret_id.
 */
static bool find_line(char *text, const char *name, bool by_id,
		      const char *fields[FIELDS], uint32_t *ret_id)
{
	char *line, *next;
	uint32_t id = 0, want = 0;

	if (by_id && !parse_id(name, &want))
		return false;
	for (line = text; *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		split(line, fields);
		if (!parse_id(fields[FIELD_ID], &id))
			continue;
		if (by_id ? id == want :
			    strcmp(fields[FIELD_NAME], name) == 0) {
			*ret_id = id;
			return true;
		}
	}
	return false;
}

static int find_user(int root, const char *name, struct user *u, struct err *e)
{
	AUTO_FREE char *text = read_text(root, PASSWD);
	bool by_id = parse_id(name, &u->uid);
	const char *fields[FIELDS];

	if (!text)
		return err_set(e, ENOMEM, "out of memory");
	if (find_line(text, name, by_id, fields, &u->uid)) {
		parse_id(fields[FIELD_GID], &u->gid);
		if (fields[FIELD_HOME][0] == '/')
			snprintf(u->home, sizeof(u->home), "%s",
				 fields[FIELD_HOME]);
		return 0;
	}
	if (by_id)
		return 0;
	return err_set(e, ENOENT,
		       "the image runs as user %.80s, who is not in its "
		       "/etc/passwd",
		       name);
}

static int find_group(int root, const char *name, struct user *u, struct err *e)
{
	AUTO_FREE char *text = NULL;
	const char *fields[FIELDS];

	if (parse_id(name, &u->gid))
		return 0;
	text = read_text(root, GROUP);
	if (!text)
		return err_set(e, ENOMEM, "out of memory");
	if (find_line(text, name, false, fields, &u->gid))
		return 0;
	return err_set(e, ENOENT,
		       "the image runs in group %.80s, which is not in its "
		       "/etc/group",
		       name);
}

int user_find(int root, const char *spec, struct user *ret, struct err *e)
{
	struct user u = { .home = "/" };
	char name[SPEC_MAX + 1];
	char *group;
	int r;

	if (snprintf(name, sizeof(name), "%s", spec) > SPEC_MAX)
		return err_set(e, EINVAL,
			       "the user of the image has a name "
			       "of more than 255 bytes");
	group = strchr(name, ':');
	if (group)
		*group++ = '\0';
	r = find_user(root, name[0] ? name : "0", &u, e);
	if (r == 0 && group && group[0])
		r = find_group(root, group, &u, e);
	if (r == 0)
		*ret = u;
	return r;
}
