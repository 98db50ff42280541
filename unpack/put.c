/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each file is made in the directory that unpack_tree_locate() opened, by its
 * last name alone, with O_EXCL or its like: nothing is ever written through a
 * link.
 */
#include "unpack/put.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cleanup.h"

#define DIR_MODE  01777
#define FILE_MODE 0777

static int cannot(struct err *e, const char *name)
{
	int code = errno;
	char show[MEMBER_SHOW_MAX];

	return err_sys(e, code, "cannot make %s", member_show(show, name));
}

/* Finds the place of anything but a directory, and clears it. */
static int make_room(struct unpack_tree *t, const char *name, struct spot *ret,
		     struct err *e)
{
	char show[MEMBER_SHOW_MAX];
	int r = unpack_tree_locate(t, name, true, ret, e);

	if (r < 0)
		return r;
	if (ret->name[0] == '\0')
		return err_set(e, EINVAL,
			       "%s is the root, which must be a directory",
			       member_show(show, name));
	r = unpack_tree_remove(t, ret, e);
	return r < 0 ? r : unpack_tree_made(t, ret, e);
}

int member_put_dir(struct unpack_tree *t, const char *name, mode_t mode,
		   struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct spot s;
	struct stat st;
	int r = unpack_tree_locate(t, name, true, &s, e);

	if (r < 0)
		return r;
	if (s.name[0] == '\0')
		snprintf(s.name, sizeof(s.name), ".");
	else if (fstatat(s.dir, s.name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		 !S_ISDIR(st.st_mode))
		r = unpack_tree_remove(t, &s, e);
	if (r == 0)
		r = unpack_tree_made(t, &s, e);
	if (r < 0)
		return r;
	if (mkdirat(s.dir, s.name, 0700) < 0 && errno != EEXIST)
		return cannot(e, name);
	fd = openat(s.dir, s.name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, (mode & DIR_MODE) | 0700) < 0)
		return cannot(e, name);
	return 0;
}

int member_put_symlink(struct unpack_tree *t, const char *name,
		       const char *target, struct err *e)
{
	struct spot s;
	int r = make_room(t, name, &s, e);

	if (r < 0)
		return r;
	return symlinkat(target, s.dir, s.name) < 0 ? cannot(e, name) : 0;
}

/* Finds a link's target; an O_PATH descriptor of its directory. */
static int find_target(struct unpack_tree *t, const char *target,
		       struct spot *ret, struct err *e)
{
	int r, fd;

	while (target[0] == '/')
		target++;
	r = unpack_tree_locate(t, target, false, ret, e);
	if (r < 0)
		return r;
	fd = fcntl(ret->dir, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? err_sys(e, errno, "cannot open a directory") : fd;
}

int member_put_link(struct unpack_tree *t, const char *name, const char *target,
		    struct err *e)
{
	char show[MEMBER_SHOW_MAX], show2[MEMBER_SHOW_MAX];
	char from[MEMBER_NAME_MAX + 1];
	AUTO_CLOSE int dir = -1;
	struct spot s; /* first of the target, then of the link */
	struct err why;
	int r;

	dir = find_target(t, target, &s, &why);
	if (dir < 0)
		return err_set(e, why.code, "the hard link %s: its target %s",
			       member_show(show, name), why.text);
	memcpy(from, s.name, sizeof(from));
	r = make_room(t, name, &s, e);
	if (r < 0)
		return r;
	if (linkat(dir, from, s.dir, s.name, 0) == 0)
		return 0;
	if (errno == ENOENT || errno == EPERM)
		return err_set(e, errno,
			       "the hard link %s: its target %s is no file "
			       "of the layers up to here",
			       member_show(show, name),
			       member_show(show2, target));
	return cannot(e, name);
}

int member_put_file(struct unpack_tree *t, const char *name, mode_t mode,
		    int *ret_fd, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct spot s;
	int r = make_room(t, name, &s, e);

	if (r < 0)
		return r;
	fd = openat(s.dir, s.name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fchmod(fd, (mode & FILE_MODE) | 0600) < 0)
		return cannot(e, name);
	*ret_fd = take_fd(&fd);
	return 0;
}

int member_put_nothing(struct unpack_tree *t, const char *name, struct err *e)
{
	struct spot s;

	return make_room(t, name, &s, e);
}
