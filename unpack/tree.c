/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every directory is opened from the root with RESOLVE_BENEATH and
 * RESOLVE_NO_SYMLINKS, by a path from which the links were taken out before;
 * what happens in it happens to a single name that is not followed.
 */
#include "unpack/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/cleanup.h"

#define LINKS_MAX 40 /* as Linux */
#define DIR_NONE  "/" /* no clean path */
#define REST_MAX  (4 * (MEMBER_LEN_MAX + 1))

/* A name on its way: `done` is free of links, `rest` is still to be walked. */
struct walk {
	const char *name; /* for messages */
	bool make;
	unsigned links;
	char done[MEMBER_LEN_MAX + 1];
	char at[MEMBER_LEN_MAX + 1]; /* done and one component more */
	char rest[REST_MAX];
};

void unpack_tree_init(struct unpack_tree *t, int fd, uint32_t entries_max)
{
	*t = (struct unpack_tree){ .fd = fd,
				   .dir_fd = -1,
				   .entries_max = entries_max };
	pathset_init(&t->seen);
}

static void forget_dir(struct unpack_tree *t)
{
	if (t->dir_fd >= 0)
		close(take_fd(&t->dir_fd));
}

void unpack_tree_fini(struct unpack_tree *t)
{
	forget_dir(t);
	pathset_clear(&t->seen);
	if (t->fd >= 0)
		close(take_fd(&t->fd));
}

void unpack_tree_next_layer(struct unpack_tree *t)
{
	pathset_clear(&t->seen);
}

/* The file itself, were it a symbolic link. A descriptor or -errno. */
static int open_path(const struct unpack_tree *t, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, t->fd, path[0] ? path : ".", &how,
			  sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/* The layer has made this and so, if need be, what is above it. */
static int mark(struct unpack_tree *t, const char *path, struct err *e)
{
	char at[MEMBER_LEN_MAX + 1];
	int r = 1;

	if (++t->entries > t->entries_max)
		return err_set(e, E2BIG,
			       "the image has more than %u files; mayfly "
			       "takes no more",
			       t->entries_max);
	snprintf(at, sizeof(at), "%s", path);
	for (; at[0] && r > 0; member_pop(at))
		r = pathset_add(&t->seen, at);
	return r < 0 ? err_set(e, ENOMEM, "out of memory") : 0;
}

int unpack_tree_made(struct unpack_tree *t, const struct spot *s, struct err *e)
{
	return mark(t, s->path, e);
}

/* Makes w->at. mkdir obeys the umask; an image must not depend on it. */
static int make_dir(struct unpack_tree *t, const struct walk *w,
		    const char *name, struct err *e)
{
	AUTO_CLOSE int parent = open_path(t, w->done);
	AUTO_CLOSE int fd = -1;

	if (parent < 0 || mkdirat(parent, name, 0700) < 0)
		return err_sys(e, errno, "cannot make a directory");
	fd = openat(parent, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0755) < 0)
		return err_sys(e, errno, "cannot make a directory");
	return mark(t, w->at, e);
}

/* Puts the target of the link in front of what is still to be walked. */
static int follow(struct walk *w, int fd, struct err *e)
{
	char target[MEMBER_LEN_MAX + 1], show[MEMBER_SHOW_MAX];
	AUTO_FREE char *rest = NULL;
	ssize_t n = readlinkat(fd, "", target, sizeof(target));

	if (n <= 0 || n >= (ssize_t)sizeof(target))
		return err_sys(e, n < 0 ? errno : ENAMETOOLONG,
			       "cannot read the symbolic link %s",
			       member_show(show, w->at));
	target[n] = '\0';
	if (++w->links > LINKS_MAX)
		return err_set(e, ELOOP,
			       "%s leads through a loop of symbolic links",
			       member_show(show, w->name));
	rest = strdup(w->rest);
	if (!rest)
		return err_set(e, ENOMEM, "out of memory");
	if (snprintf(w->rest, sizeof(w->rest), "%s/%s", target, rest) >=
	    (int)sizeof(w->rest))
		return err_set(e, ENAMETOOLONG,
			       "%s leads through symbolic links that are too "
			       "long",
			       member_show(show, w->name));
	if (target[0] == '/')
		w->done[0] = '\0';
	return 0;
}

/* Goes on to w->at, which is w->done and the component `next`. */
static int enter(struct unpack_tree *t, struct walk *w, const char *next,
		 struct err *e)
{
	char show[MEMBER_SHOW_MAX], show2[MEMBER_SHOW_MAX];
	AUTO_CLOSE int fd = open_path(t, w->at);
	struct stat st;

	if (fd == -ENOENT && w->make) {
		int r = make_dir(t, w, next, e);

		if (r < 0)
			return r;
		fd = open_path(t, w->at);
	}
	if (fd == -ENOENT)
		return err_set(e, ENOENT, "%s does not exist",
			       member_show(show, w->at));
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, fd < 0 ? -fd : errno, "cannot open %s",
			       member_show(show, w->at));
	if (S_ISLNK(st.st_mode))
		return follow(w, fd, e);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ENOTDIR,
			       "%s cannot be in %s, which is no directory",
			       member_show(show, w->name),
			       member_show(show2, w->at));
	memcpy(w->done, w->at, sizeof(w->done));
	return 0;
}

/* Takes the next component off the rest, which begins with it. */
static void cut(struct walk *w, char next[MEMBER_NAME_MAX + 1], size_t len)
{
	size_t skip = len + strspn(w->rest + len, "/");

	memcpy(next, w->rest, len);
	next[len] = '\0';
	memmove(w->rest, w->rest + skip, strlen(w->rest + skip) + 1);
}

static int step(struct unpack_tree *t, struct walk *w, struct err *e)
{
	char next[MEMBER_NAME_MAX + 1], show[MEMBER_SHOW_MAX];
	size_t len = strcspn(w->rest, "/");

	if (len > MEMBER_NAME_MAX ||
	    member_join(w->at, w->done, w->rest, len) < 0 ||
	    member_depth(w->at) > MEMBER_DEPTH_MAX)
		return err_set(e, ENAMETOOLONG,
			       "%s leads to a path that is too long",
			       member_show(show, w->name));
	cut(w, next, len);
	if (len == 0 || strcmp(next, ".") == 0)
		return 0;
	if (strcmp(next, "..") != 0)
		return enter(t, w, next, e);
	if (w->done[0] == '\0')
		return err_set(e, EXDEV,
			       "%s would leave the image through a symbolic "
			       "link",
			       member_show(show, w->name));
	member_pop(w->done);
	return 0;
}

/* Makes the wanted directory the current one. */
static int change_dir(struct unpack_tree *t, const char *name, bool make,
		      struct err *e)
{
	AUTO_FREE struct walk *w = NULL;
	int r = 0;

	if (t->dir_fd >= 0 && strcmp(t->dir_name, t->want) == 0)
		return 0;
	w = calloc(1, sizeof(*w));
	if (!w)
		return err_set(e, ENOMEM, "out of memory");
	forget_dir(t);
	w->name = name;
	w->make = make;
	snprintf(w->rest, sizeof(w->rest), "%s", t->want);
	while (w->rest[0] && r == 0)
		r = step(t, w, e);
	if (r < 0)
		return r;
	t->dir_fd = open_path(t, w->done);
	if (t->dir_fd < 0)
		return err_sys(e, -t->dir_fd, "cannot open a directory");
	memcpy(t->dir_path, w->done, sizeof(t->dir_path));
	memcpy(t->dir_name, t->want, sizeof(t->dir_name));
	return 0;
}

/* Splits the name that is wanted into directory and last component. */
static void split_want(struct unpack_tree *t, char ret[MEMBER_NAME_MAX + 1])
{
	const char *slash = strrchr(t->want, '/');
	const char *base = slash ? slash + 1 : t->want;

	memcpy(ret, base, strlen(base) + 1);
	member_pop(t->want);
}

int unpack_tree_locate(struct unpack_tree *t, const char *name, bool make,
		       struct spot *ret, struct err *e)
{
	enum member_fault fault = member_clean(t->want, name);
	char show[MEMBER_SHOW_MAX];
	int r;

	if (fault != MEMBER_OK)
		return err_set(e, EINVAL, "%s %s",
			       name[0] ? member_show(show, name) : "a file",
			       member_fault_text(fault));
	split_want(t, ret->name);
	r = change_dir(t, name, make, e);
	if (r < 0)
		return r;
	ret->dir = t->dir_fd;
	if (member_join(ret->path, t->dir_path, ret->name, strlen(ret->name)) <
		    0 ||
	    member_depth(ret->path) > MEMBER_DEPTH_MAX)
		return err_set(e, ENAMETOOLONG,
			       "%s leads to a path that is too long",
			       member_show(show, name));
	return 0;
}

static DIR *open_dir(int dir, const char *name)
{
	int fd = openat(dir, name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !d)
		close(fd);
	return d;
}

static void close_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define AUTO_DIR __attribute__((cleanup(close_dir)))

/* The next name but . and .. or NULL. */
static const char *next_name(DIR *d)
{
	struct dirent *entry;

	do
		entry = readdir(d);
	while (entry && (strcmp(entry->d_name, ".") == 0 ||
			 strcmp(entry->d_name, "..") == 0));
	return entry ? entry->d_name : NULL;
}

static int remove_children(int dir, const char *name)
{
	AUTO_DIR DIR *d = open_dir(dir, name);
	const char *child;
	int r = d ? 0 : -errno;

	while (d && r == 0 && (child = next_name(d)) != NULL)
		r = unpack_tree_remove_at(dirfd(d), child);
	return r;
}

/* No deeper than MEMBER_DEPTH_MAX, as nothing deeper is made. */
int unpack_tree_remove_at(int dir, const char *name)
{
	int r;

	if (unlinkat(dir, name, 0) == 0)
		return 0;
	if (errno != EISDIR)
		return -errno;
	r = remove_children(dir, name);
	if (r == 0 && unlinkat(dir, name, AT_REMOVEDIR) < 0)
		r = -errno;
	return r;
}

static int remove_named(struct unpack_tree *t, int dir, const char *name,
			struct err *e)
{
	char show[MEMBER_SHOW_MAX];
	int r = unpack_tree_remove_at(dir, name);

	if (r == -ENOENT)
		return 0;
	/* It may have been on the way to the current directory. */
	snprintf(t->dir_name, sizeof(t->dir_name), "%s", DIR_NONE);
	if (r < 0)
		return err_sys(e, -r, "cannot remove %s",
			       member_show(show, name));
	return 0;
}

int unpack_tree_remove(struct unpack_tree *t, const struct spot *s,
		       struct err *e)
{
	return remove_named(t, s->dir, s->name, e);
}

/* Removes below `name` what this layer has not made. */
static int purge(struct unpack_tree *t, int dir, const char *name,
		 const char *path, struct err *e)
{
	AUTO_DIR DIR *d = open_dir(dir, name);
	char child[MEMBER_LEN_MAX + 1], show[MEMBER_SHOW_MAX];
	const char *n;
	int r = 0;

	if (!d && errno != ENOTDIR && errno != ELOOP && errno != ENOENT)
		return err_sys(e, errno, "cannot read %s",
			       member_show(show, path));
	while (d && r == 0 && (n = next_name(d)) != NULL) {
		if (member_join(child, path, n, strlen(n)) < 0)
			continue;
		if (pathset_has(&t->seen, child))
			r = purge(t, dirfd(d), n, child, e);
		else
			r = remove_named(t, dirfd(d), n, e);
	}
	return r;
}

int unpack_tree_hide(struct unpack_tree *t, const struct spot *s, struct err *e)
{
	if (pathset_has(&t->seen, s->path))
		return purge(t, s->dir, s->name, s->path, e);
	return unpack_tree_remove(t, s, e);
}

int unpack_tree_hide_siblings(struct unpack_tree *t, const struct spot *s,
			      struct err *e)
{
	char path[MEMBER_LEN_MAX + 1];

	snprintf(path, sizeof(path), "%s", s->path);
	member_pop(path);
	return purge(t, s->dir, ".", path, e);
}
