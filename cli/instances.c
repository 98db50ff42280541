/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of running instances as sockets in a directory. A socket that nobody
 * listens on was left by a command that was killed: whoever meets it removes
 * it, under a lock of the directory, so that nobody removes the next one's.
 */
#include "cli/instances.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/cleanup.h"

#define PATH_LEN 256

/* ---- the directory ------------------------------------------------------ */

/* Ours, and nobody else's. */
static int open_private(const char *path, bool make, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;

	if (make && mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(e, errno, "cannot make the directory %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "cannot open the directory %s", path);
	if (fstat(fd, &st) < 0 || st.st_uid != geteuid() ||
	    (st.st_mode & 077) != 0)
		return err_set(e, EPERM,
			       "the directory %s is not this user's alone; "
			       "remove it",
			       path);
	return take_fd(&fd);
}

static bool owned_by_us(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_uid == geteuid();
}

static int open_dir(bool make, struct err *e)
{
	const char *base = getenv("XDG_RUNTIME_DIR");
	char path[PATH_LEN];
	int n;

	if (base && base[0] == '/' && owned_by_us(base))
		n = snprintf(path, sizeof(path), "%s/mayfly", base);
	else
		n = snprintf(path, sizeof(path), "/tmp/mayfly-%u",
			     (unsigned)geteuid());
	if (n >= (int)sizeof(path))
		return err_set(e, ENAMETOOLONG,
			       "the path in XDG_RUNTIME_DIR is too long");
	return open_private(path, make, e);
}

/* Through /proc: the path of a socket must be short, the directory's is not. */
static struct sockaddr_un address(int dir_fd, const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%s", dir_fd,
		 name);
	return a;
}

static int new_socket(void)
{
	return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		      0);
}

/* A connection, or -errno. */
static int connect_to(int dir_fd, const char *name)
{
	struct sockaddr_un a = address(dir_fd, name);
	AUTO_CLOSE int fd = new_socket();

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	return take_fd(&fd);
}

/* Removes what nobody listens on; true if the name is free. */
static bool sweep(int dir_fd, const char *name)
{
	int fd = connect_to(dir_fd, name);

	if (fd >= 0)
		close(fd);
	if (fd == -ECONNREFUSED)
		return unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT;
	return fd == -ENOENT;
}

/* ---- taking a name ------------------------------------------------------ */

static int bind_name(int dir_fd, const char *name)
{
	struct sockaddr_un a = address(dir_fd, name);
	AUTO_CLOSE int fd = new_socket();
	int r;

	if (fd < 0)
		return -errno;
	flock(dir_fd, LOCK_EX);
	r = bind(fd, (struct sockaddr *)&a, sizeof(a));
	if (r < 0 && errno == EADDRINUSE && sweep(dir_fd, name))
		r = bind(fd, (struct sockaddr *)&a, sizeof(a));
	if (r == 0)
		r = listen(fd, 8);
	r = r < 0 ? -errno : 0;
	flock(dir_fd, LOCK_UN);
	return r < 0 ? r : take_fd(&fd);
}

int instances_take(struct instance_name *ret, const char *name, struct err *e)
{
	AUTO_CLOSE int dir_fd = open_dir(true, e);
	int fd;

	ret->name[0] = '\0';
	if (dir_fd < 0)
		return dir_fd;
	fd = bind_name(dir_fd, name);
	if (fd == -EADDRINUSE)
		return err_set(e, EEXIST,
			       "an instance named %s is running already; end "
			       "it, or choose another --name",
			       name);
	if (fd < 0)
		return err_sys(e, -fd, "cannot make a socket for the name %s",
			       name);
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	return fd;
}

void instances_give(struct instance_name *n)
{
	AUTO_CLOSE int dir_fd = -1;
	struct err ignored;

	if (!n->name[0])
		return;
	dir_fd = open_dir(false, &ignored);
	if (dir_fd >= 0)
		unlinkat(dir_fd, n->name, 0);
	n->name[0] = '\0';
}

/* ---- finding one -------------------------------------------------------- */

int instances_connect(const char *name, struct err *e)
{
	AUTO_CLOSE int dir_fd = -1;
	struct err ignored;
	int fd = -ENOENT;

	if (strlen(name) <= MF_INST_NAME_MAX && !strchr(name, '/') &&
	    name[0] != '.')
		dir_fd = open_dir(false, &ignored);
	if (dir_fd >= 0)
		fd = connect_to(dir_fd, name);
	if (fd == -ENOENT || fd == -ECONNREFUSED || fd == -ENOTDIR)
		return err_set(e, ENOENT, "no instance named %s is running",
			       name);
	if (fd < 0)
		return err_sys(e, -fd, "cannot connect to the instance %s",
			       name);
	return fd;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_socket(const struct dirent *d)
{
	return d->d_type == DT_SOCK;
}

void instances_list(char *ret, size_t size)
{
	AUTO_CLOSE int dir_fd = -1;
	struct dirent **entries = NULL;
	struct err ignored;
	size_t len = 0;
	int count;

	ret[0] = '\0';
	dir_fd = open_dir(false, &ignored);
	count = dir_fd < 0 ?
			0 :
			scandirat(dir_fd, ".", &entries, is_socket, by_name);
	if (count > 0)
		flock(dir_fd, LOCK_EX);
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;

		if (!sweep(dir_fd, name) && len < size)
			len += (size_t)snprintf(ret + len, size - len, "%s %s",
						len ? "," : "", name);
		free(entries[i]);
	}
	free(entries);
}
