/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `mayfly up` and mayflyd find on this host: walls around instances, room
 * for them, a place for the state, a port. Names of users are looked up in
 * the files: a static program cannot ask name services.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "host/cgroup.h"
#include "host/cleanup.h"
#include "host/pressure.h"
#include "launch/host_room.h"
#include "launch/paths.h"

#define GATEWAY_PORT  8080
#define SERVICE_USER  "mayfly"
#define FDS_WANTED    8192u /* of a thousand instances, mayflyd's default */
#define FDS_INSTANCE  8u
#define MEMORY_WANTED (512ull << 20)
#define MEMORY_USUAL  (64ull << 20) /* what an instance may need */
#define STATE_WANTED  (1ull << 30)
#define SMB_MAGIC     0x517b
#define CIFS_MAGIC    0xff534d42
#define NOT_DELEGATED                                                   \
	"start mayflyd by its unit, or: systemd-run --user --scope -p " \
	"Delegate=yes mayfly up"

/* ---- walls -------------------------------------------------------------- */

static const char *const controllers[] = { "memory", "cpu", "pids" };

/* Those that a cgroup of version 2 may hand on; 0: there is none. */
static int count_v2(const char *dir)
{
	char path[CGROUP_PATH_MAX + 32], line[512] = "";
	AUTO_FCLOSE FILE *f = NULL;
	int n = 0;

	snprintf(path, sizeof(path), "%s/cgroup.controllers", dir);
	f = fopen(path, "re");
	if (!f || !fgets(line, sizeof(line), f))
		return 0;
	for (int i = 0; i < 3; i++)
		n += strstr(line, controllers[i]) != NULL;
	return n;
}

/* Those in whose hierarchies of version 1 we may make a cgroup. */
static int count_v1(int *ret_there)
{
	char dir[CGROUP_PATH_MAX];
	size_t mount_len;
	int n = 0;

	*ret_there = 0;
	for (int i = 0; i < 3; i++) {
		if (!cgroup_own_dir(dir, &mount_len, "", controllers[i]))
			continue;
		++*ret_there;
		n += access(dir, W_OK) == 0;
	}
	return n;
}

void doctor_look_cgroup(struct finding *f)
{
	char dir[CGROUP_PATH_MAX];
	size_t mount_len;
	int there, ours, v2 = 0;

	if (cgroup_own_dir(dir, &mount_len, "", NULL))
		v2 = count_v2(dir);
	ours = count_v1(&there);
	if (v2 && access(dir, W_OK) == 0) {
		doctor_found(f, DOCTOR_OK,
			     "cgroup version 2: %d of 3 walls around instances",
			     v2);
	} else if (ours) {
		doctor_found(f, DOCTOR_OK,
			     "cgroup version 1: %d of 3 walls around instances",
			     ours);
	} else if (v2 || there) {
		doctor_found(f, DOCTOR_WARN,
			     "the cgroup here is not ours; of instances memory "
			     "and time are limited, cpu shares are not");
		doctor_remedy(f, NOT_DELEGATED);
	} else {
		doctor_found(f, DOCTOR_WARN,
			     "no cgroups; of instances memory and time are "
			     "limited, cpu shares are not");
		doctor_remedy(f, "mount cgroup2 on /sys/fs/cgroup");
	}
}

/* ---- room --------------------------------------------------------------- */

void doctor_look_pressure(struct finding *f)
{
	struct pressure p;
	int r = pressure_read("", &p);

	if (r < 0) {
		doctor_found(f, DOCTOR_WARN,
			     "Linux does not tell when memory is short (%s); "
			     "idle instances do not make room",
			     strerror(-r));
		doctor_remedy(f, "boot with psi=1, or use a kernel with "
				 "CONFIG_PSI");
		return;
	}
	doctor_found(f, DOCTOR_OK,
		     "processes waited for memory %u.%u %% of the last 10 s",
		     p.some_milli / 10, p.some_milli % 10);
}

void doctor_look_files(struct finding *f)
{
	struct rlimit r = { 0, 0 };

	getrlimit(RLIMIT_NOFILE, &r);
	if (r.rlim_max < FDS_WANTED) {
		doctor_found(f, DOCTOR_WARN,
			     "at most %llu descriptors, enough for about %llu "
			     "instances",
			     (unsigned long long)r.rlim_max,
			     (unsigned long long)r.rlim_max / FDS_INSTANCE);
		doctor_remedy(f, "ulimit -Hn 65536 as root, or LimitNOFILE= "
				 "of the unit");
		return;
	}
	doctor_found(f, DOCTOR_OK, "a process may have %llu descriptors",
		     (unsigned long long)r.rlim_max);
}

void doctor_look_memory(struct finding *f)
{
	uint64_t room = host_room_memory("");

	if (room < MEMORY_WANTED) {
		doctor_found(f, DOCTOR_WARN, "%llu MiB of memory are free",
			     (unsigned long long)(room >> 20));
		doctor_remedy(f, "give the machine, or the cgroup, more "
				 "memory");
		return;
	}
	doctor_found(f, DOCTOR_OK,
		     "%llu MiB of memory are free, %llu instances of 64 MiB",
		     (unsigned long long)(room >> 20),
		     (unsigned long long)(room / MEMORY_USUAL));
}

/* ---- the state ---------------------------------------------------------- */

/* What of the path is there already. */
static void cut_to_existing(char *path)
{
	char *slash;

	while (access(path, F_OK) < 0 && (slash = strrchr(path, '/'))) {
		if (slash == path)
			slash++;
		if (!*slash)
			return;
		*slash = '\0';
	}
}

static bool is_remote(const struct statfs *fs)
{
	return fs->f_type == NFS_SUPER_MAGIC ||
	       fs->f_type == FUSE_SUPER_MAGIC || fs->f_type == SMB_MAGIC ||
	       (uint32_t)fs->f_type == CIFS_MAGIC;
}

static void look_file_system(struct finding *f, const char *path)
{
	struct statfs fs;
	uint64_t room;

	if (statfs(path, &fs) < 0) {
		doctor_found(f, DOCTOR_FAIL, "%.80s: %s", path,
			     strerror(errno));
		doctor_remedy(f, "set MAYFLY_STATE to a directory of yours");
		return;
	}
	room = (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize;
	if (is_remote(&fs)) {
		doctor_found(f, DOCTOR_WARN,
			     "%.80s is no local disk, on which SQLite's "
			     "journals are not safe",
			     path);
		doctor_remedy(f, "set MAYFLY_STATE to a directory on a local "
				 "disk");
	} else if (fs.f_type == TMPFS_MAGIC) {
		doctor_found(f, DOCTOR_WARN,
			     "%.80s is memory: what is deployed is gone after "
			     "a reboot",
			     path);
		doctor_remedy(f, "set MAYFLY_STATE to a directory on a disk");
	} else if (room < STATE_WANTED) {
		doctor_found(f, DOCTOR_WARN,
			     "%llu MiB are free in %.80s for images and logs",
			     (unsigned long long)(room >> 20), path);
		doctor_remedy(f, "make room, or set MAYFLY_STATE");
	} else {
		doctor_found(f, DOCTOR_OK, "%.80s has %llu MiB free", path,
			     (unsigned long long)(room >> 20));
	}
}

void doctor_look_state(struct finding *f)
{
	char path[PATHS_MAX];
	struct err e;

	if (paths_state(path, &e) < 0) {
		doctor_found(f, DOCTOR_FAIL, "%.150s", e.text);
		doctor_remedy(f, "set MAYFLY_STATE to a directory of yours");
		return;
	}
	cut_to_existing(path);
	if (access(path, R_OK | W_OK | X_OK) < 0) {
		doctor_found(f, DOCTOR_FAIL,
			     "mayflyd cannot keep its state in %.80s: %s", path,
			     strerror(errno));
		doctor_remedy(f, "set MAYFLY_STATE to a directory of yours");
		return;
	}
	look_file_system(f, path);
}

void doctor_look_port(struct finding *f)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(GATEWAY_PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int one = 1;

	/* As the gateway does: connections that linger do not matter. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		doctor_found(f, DOCTOR_WARN, "port %d of 127.0.0.1: %s",
			     GATEWAY_PORT, strerror(errno));
		doctor_remedy(f, "nothing, if that is mayflyd; else mayfly up "
				 "--listen 127.0.0.1:8081");
		return;
	}
	doctor_found(f, DOCTOR_OK, "port %d of 127.0.0.1 is free",
		     GATEWAY_PORT);
}

/* ---- the user ----------------------------------------------------------- */

static bool find_user(struct passwd *ret)
{
	AUTO_FCLOSE FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *p;

	while (file && (p = fgetpwent(file))) {
		if (strcmp(p->pw_name, SERVICE_USER) != 0)
			continue;
		*ret = *p; /* of which only numbers are looked at */
		return true;
	}
	return false;
}

static bool is_member(gid_t group, gid_t own)
{
	AUTO_FCLOSE FILE *file = fopen("/etc/group", "re");
	const struct group *g;

	while (file && (g = fgetgrent(file))) {
		for (char **m = g->gr_mem; g->gr_gid == group && *m; m++) {
			if (strcmp(*m, SERVICE_USER) == 0)
				return true;
		}
	}
	return group == own;
}

static bool may_open_kvm(const struct passwd *p)
{
	struct stat st;

	if (stat("/dev/kvm", &st) < 0)
		return true; /* look_kvm says what follows */
	return (st.st_mode & 06) == 06 || st.st_uid == p->pw_uid ||
	       ((st.st_mode & 060) == 060 && is_member(st.st_gid, p->pw_gid));
}

void doctor_look_user(struct finding *f)
{
	struct passwd p;

	if (geteuid() != 0) {
		doctor_found(f, DOCTOR_OK,
			     "mayflyd runs as you, and instances in user "
			     "namespaces");
	} else if (!find_user(&p)) {
		doctor_found(f, DOCTOR_WARN,
			     "there is no user " SERVICE_USER
			     "; mayflyd that root starts stays root");
		doctor_remedy(f, "useradd --system --no-create-home --shell "
				 "/usr/sbin/nologin " SERVICE_USER);
	} else if (!may_open_kvm(&p)) {
		doctor_found(f, DOCTOR_WARN,
			     "the user " SERVICE_USER
			     " may not open /dev/kvm; the process substrate "
			     "is used");
		doctor_remedy(f, "usermod -aG kvm " SERVICE_USER
				 ", then start mayflyd again");
	} else {
		doctor_found(f, DOCTOR_OK,
			     "mayflyd becomes the user " SERVICE_USER
			     ", instances have users of their own");
	}
}
