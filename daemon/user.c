/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Becoming an ordinary user. The groups come along, of which "kvm" is the one
 * that matters. A state directory of root's is not taken over silently: what
 * is in it may have been made by a mayflyd that ran as root.
 */
#include "daemon/user.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/cleanup.h"

int daemon_user_find(struct daemon_user *ret, const char *name, struct err *e)
{
	const char *want = name ? name : DAEMON_USER;
	uid_t us = geteuid();
	struct passwd *p;

	*ret = (struct daemon_user){ .uid = us, .gid = getegid() };
	if (us != 0 && !name)
		return 0;
	errno = 0;
	p = getpwnam(want);
	if (!p && !name)
		return 0;
	if (!p)
		return err_set(e, ENOENT,
			       "there is no user %s; make it by useradd "
			       "--system, or leave --user out",
			       want);
	if (us != 0 && us != p->pw_uid)
		return err_set(
			e, EPERM,
			"only root can start mayflyd as %s; leave --user "
			"out",
			want);
	if (strlen(want) >= sizeof(ret->name))
		return err_set(e, ENAMETOOLONG,
			       "the user %s has a name too "
			       "long",
			       want);
	snprintf(ret->name, sizeof(ret->name), "%s", want);
	snprintf(ret->home, sizeof(ret->home), "%s", p->pw_dir);
	ret->uid = p->pw_uid;
	ret->gid = p->pw_gid;
	ret->change = us == 0 && p->pw_uid != 0;
	return 0;
}

static bool is_empty(int dir)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *one;
	bool empty = d != NULL;

	while (empty && (one = readdir(d)))
		empty = strcmp(one->d_name, ".") == 0 ||
			strcmp(one->d_name, "..") == 0;
	if (d)
		closedir(d);
	else if (copy >= 0)
		close(copy);
	return empty;
}

int daemon_user_own(const struct daemon_user *u, const char *dir, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;

	if (!u->change)
		return 0;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && lstat(dir, &st) == 0 && S_ISLNK(st.st_mode))
		return err_set(e, ELOOP,
			       "the state directory %s is a symbolic link; "
			       "name what it leads to",
			       dir);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, errno, "cannot open the state directory %s",
			       dir);
	if (st.st_uid == u->uid)
		return 0;
	if (st.st_uid != 0 || !is_empty(fd))
		return err_set(e, EPERM,
			       "the state directory %s is not of the user %s; "
			       "chown -R %s it, or say --user root",
			       dir, u->name, u->name);
	if (fchown(fd, u->uid, u->gid) < 0)
		return err_sys(e, errno, "cannot give %s to the user %s", dir,
			       u->name);
	return 0;
}

/* What it is to have, and can give to nobody: exec drops it. */
static bool keep_low_ports(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct caps[2] = {
		{ .effective = 1u << CAP_NET_BIND_SERVICE,
		  .permitted = 1u << CAP_NET_BIND_SERVICE },
	};

	return syscall(SYS_capset, &head, caps) == 0;
}

int daemon_user_become(const struct daemon_user *u, struct err *e)
{
	if (!u->change)
		return 0;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 ||
	    initgroups(u->name, u->gid) < 0 ||
	    setresgid(u->gid, u->gid, u->gid) < 0 ||
	    setresuid(u->uid, u->uid, u->uid) < 0 || !keep_low_ports() ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    setenv("HOME", u->home, 1) < 0)
		return err_sys(e, errno, "cannot become the user %s", u->name);
	return 0;
}
