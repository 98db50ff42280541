/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real mayfly-spawner with a monitor of ours, for the tests of it: a
 * program that includes this is started again as the monitor, and does what
 * its control socket tells it. main() calls world_main first.
 */
#ifndef TESTS_UNIT_SPAWN_WORLD_H
#define TESTS_UNIT_SPAWN_WORLD_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/spawn.h"
#include "host/cgroup.h"
#include "host/cleanup.h"
#include "spawner/groups.h"
#include "tests/unit/check.h"

#define ROUNDS_MAX 3000 /* of 10 ms, until something must have happened */
#define IDS_MAX	   4096

/* ---- the monitor ------------------------------------------------------- */

struct identity {
	uid_t uid, gid;
	int groups, fds, deathsig, pid;
	uint64_t caps, wall_us;
	unsigned forks;
	char cgroup[2048];
};

static inline int count_fds(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static inline uint64_t now_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static inline void spin(uint64_t cpu_us)
{
	cpu_us += now_us(CLOCK_PROCESS_CPUTIME_ID);
	while (now_us(CLOCK_PROCESS_CPUTIME_ID) < cpu_us)
		;
}

static inline unsigned fork_all(void)
{
	unsigned n = 0;

	while (n < 100) {
		pid_t pid = fork();

		if (pid == 0)
			for (;;)
				pause();
		if (pid < 0)
			break;
		n++;
	}
	return n;
}

static inline void tell_identity(struct identity *me)
{
	AUTO_CLOSE int fd = open("/proc/self/status", O_RDONLY);
	char text[4096] = "";
	const char *at;

	if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 &&
	    (at = strstr(text, "CapPrm:")))
		me->caps = strtoull(at + 7, NULL, 16);
	close(fd);
	fd = open("/proc/self/cgroup", O_RDONLY);
	if (fd >= 0 && read(fd, me->cgroup, sizeof(me->cgroup) - 1) < 0)
		me->cgroup[0] = '\0';
	me->uid = getuid();
	me->gid = getegid();
	me->groups = getgroups(0, NULL);
	me->pid = getpid();
	prctl(PR_GET_PDEATHSIG, &me->deathsig);
	close(fd);
	fd = -1;
	me->fds = count_fds("/proc/self/fd") - 3; /* ., .., its own */
}

static inline _Noreturn void monitor(void)
{
	static struct identity me;
	static char page[64 << 20];
	char what = 0;

	if (recv(SPAWNER_FD, &what, 1, 0) <= 0)
		_exit(0);
	switch (what) {
	case 'i':
		tell_identity(&me);
		break;
	case 'm':
		memset(page, 1, sizeof(page));
		me.forks = (unsigned char)page[now_us(CLOCK_REALTIME) % 4096];
		break;
	case 'c':
		me.wall_us = now_us(CLOCK_MONOTONIC);
		spin(200000);
		me.wall_us = now_us(CLOCK_MONOTONIC) - me.wall_us;
		break;
	case 'f':
		me.forks = fork_all();
		break;
	case 'o':
		me.forks = (unsigned)fork();
		if (!me.forks)
			for (;;)
				pause();
		send(SPAWNER_FD, &me, sizeof(me), MSG_NOSIGNAL);
		_exit(0);
	default:
		_exit(what);
	}
	send(SPAWNER_FD, &me, sizeof(me), MSG_NOSIGNAL);
	recv(SPAWNER_FD, &what, 1, 0);
	_exit(7);
}

/* ---- what the tests share ---------------------------------------------- */

static struct world {
	struct loop *loop;
	struct spawn *spawn;
	struct spawner_ready ready;
	bool is_ready, lost;
	char missing[256];
	struct err lost_why, failed_why;
	unsigned failed, exited, spawned, unlimited;
	pid_t pids[IDS_MAX];
	struct spawner_spawned last_spawned;
	struct spawner_exited last_exited;
	int control[IDS_MAX];
} w;

static char libexec[PATH_MAX], own[PATH_MAX];

static inline void on_ready(void *arg, const struct spawner_ready *r,
			    const char *missing)
{
	(void)arg;
	w.is_ready = true;
	w.ready = *r;
	snprintf(w.missing, sizeof(w.missing), "%s", missing);
}

static inline void on_spawned(void *arg, uint64_t id,
			      const struct spawner_spawned *s)
{
	(void)arg;
	w.spawned++;
	w.last_spawned = *s;
	if (id < IDS_MAX)
		w.pids[id] = s->pid;
}

static inline void on_failed(void *arg, uint64_t id, const struct err *why)
{
	(void)arg;
	(void)id;
	w.failed++;
	w.failed_why = *why;
}

static inline void on_exited(void *arg, uint64_t id,
			     const struct spawner_exited *x)
{
	(void)arg;
	w.exited++;
	w.last_exited = *x;
	if (id < IDS_MAX) {
		close(w.control[id]);
		w.control[id] = -1;
	}
}

static inline void on_lost(void *arg, const struct err *why)
{
	(void)arg;
	w.lost = true;
	w.lost_why = *why;
}

static inline void on_unlimited(void *arg, uint64_t id, const struct err *why)
{
	(void)arg;
	(void)id;
	w.unlimited++;
	w.failed_why = *why;
}

static const struct spawn_ops ops = {
	.ready = on_ready,
	.spawned = on_spawned,
	.failed = on_failed,
	.exited = on_exited,
	.unlimited = on_unlimited,
	.lost = on_lost,
};

static inline void wait_until(const bool *flag, const unsigned *count,
			      unsigned want)
{
	bool happened = false;

	for (int i = 0; i < ROUNDS_MAX && !happened; i++) {
		happened = flag ? *flag : *count >= want;
		if (!happened)
			loop_once(w.loop, 10);
	}
	check(happened);
}

static inline void begin(const char *cgroups, const char *uids)
{
	struct spawn_config c = { .libexec = libexec,
				  .cgroups = cgroups,
				  .uids = uids,
				  .ops = &ops };
	struct err e = { 0 };

	memset(&w, 0, sizeof(w));
	check_int(loop_new(&w.loop, &e), 0);
	check_int(spawn_start(&w.spawn, w.loop, &c, &e), 0);
	wait_until(&w.is_ready, NULL, 0);
}

static inline void finish(void)
{
	spawn_free(w.spawn);
	loop_free(w.loop);
	for (unsigned i = 0; i < IDS_MAX; i++) {
		if (w.control[i] > 0)
			close(w.control[i]);
	}
}

static inline void ask_for(uint64_t id, const struct spawner_limits *limits)
{
	int pair[2], fds[SPAWNER_FD_COUNT];
	struct err e = { 0 };

	check_int(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair),
		  0);
	w.control[id % IDS_MAX] = pair[0];
	fds[SPAWNER_FD_CONTROL] = pair[1];
	for (int i = 1; i < SPAWNER_FD_COUNT; i++)
		fds[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
	check_int(spawn_request(w.spawn, id, limits, fds, &e), 0);
}

static inline void order(uint64_t id, char what)
{
	check_int(send(w.control[id], &what, 1, MSG_NOSIGNAL), 1);
}

static inline void answer(uint64_t id, struct identity *ret)
{
	struct pollfd p = { .fd = w.control[id], .events = POLLIN };

	check_int(poll(&p, 1, 30000), 1);
	check_int(recv(w.control[id], ret, sizeof(*ret), 0), sizeof(*ret));
}

static inline void start_one(uint64_t id, const struct spawner_limits *limits)
{
	unsigned want = w.spawned + 1;

	ask_for(id, limits);
	wait_until(NULL, &w.spawned, want);
}

static inline void end_one(uint64_t id)
{
	unsigned want = w.exited + 1;

	close(w.control[id]);
	w.control[id] = -1;
	wait_until(NULL, &w.exited, want);
}

static inline bool gone(pid_t pid)
{
	for (int i = 0; i < ROUNDS_MAX; i++) {
		waitpid(pid, NULL, WNOHANG); /* world_prepare makes it ours */
		if (kill(pid, 0) < 0 && errno == ESRCH)
			return true;
		usleep(10000);
	}
	return false;
}

/* The spawner's cgroup in the hierarchy of a controller (NULL: version 2). */
static inline bool group_path(char ret[CGROUP_PATH_MAX], const char *controller,
			      pid_t spawner)
{
	static char dir[CGROUP_PATH_MAX - 64];
	char full[CGROUP_PATH_MAX], *at;
	size_t mount;

	if (!cgroup_own_dir(full, &mount, "", controller))
		return false;
	snprintf(dir, sizeof(dir), "%.1900s", full);
	/* Version 2: the spawner has moved us into a leaf. */
	at = strstr(dir, "/mayfly.daemon");
	if (at)
		*at = '\0';
	snprintf(ret, CGROUP_PATH_MAX, "%s/mayfly-%d", dir, (int)spawner);
	return true;
}

static inline void check_no_groups(pid_t spawner)
{
	static const char *const all[] = { "memory", "cpu", "pids", NULL };
	char path[CGROUP_PATH_MAX];

	for (size_t i = 0; i < 4; i++) {
		if (group_path(path, all[i], spawner))
			check_int(access(path, F_OK), -1);
	}
}

static inline long setting(const char *controller, const char *file)
{
	char path[CGROUP_PATH_MAX], full[CGROUP_PATH_MAX + 64], line[64] = "";
	AUTO_FCLOSE FILE *f = NULL;

	if (!group_path(path, controller, spawn_pid(w.spawn)))
		return -1;
	snprintf(full, sizeof(full), "%s/%u/%s", path, w.last_spawned.group,
		 file);
	f = fopen(full, "re");
	if (!f || !fgets(line, sizeof(line), f))
		return -1;
	return strtol(line, NULL, 10);
}

static const struct spawner_limits none;

static inline void world_prepare(void)
{
	const char *build = getenv("BUILD");
	static char path[PATH_MAX + 64], target[PATH_MAX];

	/* What a process leaves that was killed has nobody else to wait for it
	 * where the first process does not. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (!build)
		build = "build";
	if (!getcwd(libexec, sizeof(libexec) - 64) ||
	    readlink("/proc/self/exe", own, sizeof(own) - 1) < 0)
		exit(1);
	strncat(libexec, "/libexec.XXXXXX", 16);
	if (!mkdtemp(libexec))
		exit(1);
	snprintf(path, sizeof(path), "%s/bin/mayfly-spawner", build);
	if (!realpath(path, target)) {
		printf("%s is not there: make it first\n", path);
		exit(1);
	}
	snprintf(path, sizeof(path), "%s/mayfly-spawner", libexec);
	if (symlink(target, path) < 0)
		exit(1);
	snprintf(path, sizeof(path), "%s/mayfly-monitor", libexec);
	if (symlink(own, path) < 0)
		exit(1);
}

static inline void world_main(char **argv)
{
	if (strcmp(argv[0], "mayfly-monitor") == 0)
		monitor();
	world_prepare();
}

#endif
