/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly-spawner from its client's side: births, ends, requests that are
 * wrong, and each of the processes killed. What is asserted of cgroups holds
 * of those that the host lets us have.
 *
 * test: timeout 120
 */
#include <sys/resource.h>

#include "tests/unit/spawn_world.h"

static void check_identity(const char *cgroups)
{
	struct identity me;
	char word[64];

	begin(cgroups, NULL);
	start_one(1, &none);
	order(1, 'i');
	answer(1, &me);
	check_int(me.pid, w.last_spawned.pid);
	check_int(me.deathsig, SIGKILL);
	check_int(me.fds, 4);
	if (geteuid() == 0) {
		check_int(me.uid, w.last_spawned.uid);
		check(me.uid >= w.ready.uid_first);
		check(me.uid - w.ready.uid_first < w.ready.uid_count);
		check_int(me.gid, me.uid);
		check_int(me.groups, 0);
		check_int(me.caps, 1 << 18); /* to change the root */
	} else {
		check_int(w.last_spawned.uid, 0);
		check_int(w.ready.uid_count, 0);
	}
	snprintf(word, sizeof(word), "/mayfly-%d/%u\n", (int)spawn_pid(w.spawn),
		 w.last_spawned.group);
	check(!strstr(me.cgroup, word) == !w.ready.cgroups);
	check(!w.missing[0] == (w.ready.cgroups != SPAWNER_CGROUPS_NONE));
	end_one(1);
	finish();
}

static void test_identity(void)
{
	check_identity("auto");
	check_identity("none");
	check_identity("v1");
	check_identity("v2");
}

static void test_ends(void)
{
	struct identity me;
	pid_t pid;

	begin("auto", NULL);
	start_one(1, &none);
	order(1, 33);
	wait_until(NULL, &w.exited, 1);
	check(WIFEXITED(w.last_exited.wait_status));
	check_int(WEXITSTATUS(w.last_exited.wait_status), 33);
	check(w.last_exited.peak_bytes > 0);
	start_one(1, &none); /* the id is free again */
	pid = w.last_spawned.pid;
	check_int(spawn_kill(w.spawn, 1), 0);
	wait_until(NULL, &w.exited, 2);
	check_int(w.last_exited.wait_status, SIGKILL);
	check_int(w.last_exited.oom_kills, 0);
	check(gone(pid));
	check_int(spawn_kill(w.spawn, 1), 0); /* nobody's: ignored */
	start_one(2, &none);
	order(2, 'c');
	answer(2, &me);
	end_one(2);
	check(w.last_exited.user_us + w.last_exited.sys_us >= 200000);
	finish();
}

static void refuse(uint64_t id, const struct spawner_limits *l)
{
	unsigned failed = w.failed, alive = w.spawned;

	ask_for(id, l);
	wait_until(NULL, &w.failed, failed + 1);
	check_int(w.spawned, alive);
	check(w.failed_why.text[0] != '\0');
	close(w.control[id]);
	w.control[id] = -1;
}

static void test_bad_requests(void)
{
	const struct spawner_limits bad[] = {
		{ .memory_max = 4096 },
		{ .memory_max = UINT64_MAX },
		{ .cpu_milli = SPAWNER_CPU_MILLI_MIN - 1 },
		{ .cpu_milli = UINT32_MAX },
		{ .cpu_weight = SPAWNER_CPU_WEIGHT_MAX + 1 },
		{ .pids_max = 1 },
		{ .pids_max = UINT32_MAX },
		{ .pad = 1 },
	};
	int keep;

	begin("auto", NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		refuse(5, &bad[i]);
		check_int(w.failed_why.code, ERANGE);
	}
	refuse(0, &none);
	check_int(w.failed_why.code, EEXIST);
	start_one(5, &none);
	keep = w.control[5];
	refuse(5, &none);
	check_int(w.failed_why.code, EEXIST);
	w.control[5] = keep;
	end_one(5);
	finish();
}

static struct {
	struct spawner_request rq;
	char more[2000];
} message;

static pid_t start_raw(int *ret_socket)
{
	static char path[PATH_MAX + 64], arg[PATH_MAX + 64];
	struct spawner_event ev;
	int pair[2];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/mayfly-spawner", libexec);
	snprintf(arg, sizeof(arg), "--monitor=%s/mayfly-monitor", libexec);
	check_int(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	pid = fork();
	if (pid == 0) {
		dup2(pair[1], SPAWNER_FD);
		close_range(4, ~0u, 0);
		close(2);
		execl(path, path, arg, (char *)NULL);
		_exit(1);
	}
	close(pair[1]);
	check_int(recv(pair[0], &ev, sizeof(ev), 0), sizeof(ev));
	check_int(ev.kind, SPAWNER_READY);
	*ret_socket = pair[0];
	return pid;
}

static void check_fatal(size_t len)
{
	int fd, status;
	pid_t pid = start_raw(&fd);

	check_int(send(fd, &message, len, 0), len);
	check_int(waitpid(pid, &status, 0), pid);
	check_int(WEXITSTATUS(status), 125);
	check_no_groups(pid);
	close(fd);
}

/* Messages that mayflyd does not send end the spawner. */
static void test_bad_messages(void)
{
	const size_t len = sizeof(message.rq);
	struct spawner_event ev;
	int fd;
	pid_t pid;

	message.rq = (struct spawner_request){ .version = SPAWNER_VERSION,
					       .kind = SPAWNER_SPAWN,
					       .id = 1 };
	check_fatal(1);
	check_fatal(len - 1);
	check_fatal(len + 1);
	check_fatal(sizeof(message));
	message.rq.version++;
	check_fatal(len);
	message.rq.version--;
	message.rq.kind = 99;
	check_fatal(len);
	message.rq.kind = SPAWNER_SPAWN;
	pid = start_raw(&fd); /* no descriptors: that is an answer */
	check_int(send(fd, &message, len, 0), len);
	check_int(recv(fd, &ev, sizeof(ev), 0), sizeof(ev));
	check_int(ev.kind, SPAWNER_FAILED);
	check_int(ev.id, 1);
	check_int(ev.u.failed.error, EBADF);
	close(fd);
	check_int(waitpid(pid, NULL, 0), pid);
}

/* An emulated CPU is slow. */
static unsigned rounds(unsigned many)
{
	return getenv("SLOW_HOST") ? many / 10 : many;
}

static unsigned draw(unsigned below)
{
	static uint64_t state = 20260721;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % below;
}

/* Right and wrong ones, and what is at the edges. */
static void draw_request(struct spawner_request *rq)
{
	static const uint64_t numbers[] = { 0,	  0,	 1,	  2,
					    10,	  100,	 1 << 20, 64 << 20,
					    1024, 65536, 1024000, UINT32_MAX,
					    9,	  10001, 4 << 20, 1ull << 62 };

	memset(rq, 0, sizeof(*rq));
	rq->version = SPAWNER_VERSION;
	rq->kind = 1 + draw(3);
	rq->id = draw(9);
	rq->limits.memory_max = numbers[draw(16)];
	rq->limits.cpu_milli = (uint32_t)numbers[draw(16)];
	rq->limits.cpu_weight = (uint32_t)numbers[draw(16)];
	rq->limits.pids_max = (uint32_t)numbers[draw(16)];
	rq->limits.pad = draw(10) == 0;
	if (draw(2)) /* else few would be right */
		rq->limits = (struct spawner_limits){ 0 };
}

static void send_request(int fd, const struct spawner_request *rq,
			 unsigned fd_count)
{
	struct iovec iov = { (void *)(uintptr_t)rq, sizeof(*rq) };
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(8 * sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	int fds[8];

	if (fd_count) {
		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		for (unsigned i = 0; i < fd_count; i++)
			fds[i] = STDIN_FILENO;
		memcpy(CMSG_DATA(c), fds, fd_count * sizeof(int));
	}
	check_int(sendmsg(fd, &msg, MSG_NOSIGNAL), sizeof(*rq));
}

static const struct spawner_event *next_event(int fd)
{
	static struct spawner_event ev;

	check_int(recv(fd, &ev, sizeof(ev), 0), sizeof(ev));
	return &ev;
}

/* Four were sent, and it has room for fewer. */
static void test_no_room(void)
{
	struct spawner_request rq = { .version = SPAWNER_VERSION,
				      .kind = SPAWNER_SPAWN };
	const struct spawner_event *ev;
	struct rlimit few;
	char path[64];
	int fd;
	pid_t pid = start_raw(&fd);

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	check_int(prlimit(pid, RLIMIT_NOFILE, NULL, &few), 0);
	few.rlim_cur = (rlim_t)count_fds(path) - 2;
	for (unsigned room = 0; room < SPAWNER_FD_COUNT; room++) {
		check_int(prlimit(pid, RLIMIT_NOFILE, &few, NULL), 0);
		rq.id++;
		send_request(fd, &rq, SPAWNER_FD_COUNT);
		ev = next_event(fd);
		check_int(ev->kind, SPAWNER_FAILED);
		check(strstr(ev->text, "a monitor needs"));
		few.rlim_cur++;
	}
	close(fd);
	check_int(waitpid(pid, NULL, 0), pid);
}

/* Whatever is asked for, it goes on, and keeps no descriptor. */
static void test_any_requests(void)
{
	struct spawner_request rq;
	struct spawner_event ev;
	char path[64];
	int fd, fds;
	pid_t pid = start_raw(&fd);

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	fds = count_fds(path);
	for (unsigned n = rounds(3000); n; n--) {
		draw_request(&rq);
		send_request(fd, &rq, draw(3) ? SPAWNER_FD_COUNT : draw(9));
		while (recv(fd, &ev, sizeof(ev), MSG_DONTWAIT) > 0)
			check_int(ev.version, SPAWNER_VERSION);
	}
	rq = (struct spawner_request){ .version = SPAWNER_VERSION,
				       .kind = SPAWNER_SPAWN,
				       .id = 4711 };
	send_request(fd, &rq, SPAWNER_FD_COUNT);
	do
		check_int(recv(fd, &ev, sizeof(ev), 0), sizeof(ev));
	while (ev.id != 4711 || ev.kind != SPAWNER_EXITED);
	for (int i = 0; count_fds(path) != fds; i++) {
		check(i < ROUNDS_MAX);
		usleep(1000);
	}
	close(fd);
	check_int(waitpid(pid, NULL, 0), pid);
	check_no_groups(pid);
}

/* Every exit of ours that leaves instances behind must take them along. */
static void test_client_closes(void)
{
	pid_t pids[20], spawner;

	begin("auto", NULL);
	for (unsigned i = 1; i <= 20; i++) {
		start_one(i, &none);
		pids[i - 1] = w.last_spawned.pid;
	}
	spawner = spawn_pid(w.spawn);
	finish();
	for (unsigned i = 0; i < 20; i++)
		check(kill(pids[i], 0) < 0 && errno == ESRCH);
	check(gone(spawner));
	check_no_groups(spawner);
}

static void test_client_killed(void)
{
	pid_t pids[10], spawner, client;
	int out[2];

	check_int(pipe2(out, O_CLOEXEC), 0);
	client = fork();
	if (client == 0) {
		begin("auto", NULL);
		for (unsigned i = 1; i <= 10; i++) {
			start_one(i, &none);
			pids[i - 1] = w.last_spawned.pid;
		}
		spawner = spawn_pid(w.spawn);
		if (write(out[1], &spawner, sizeof(spawner)) < 0 ||
		    write(out[1], pids, sizeof(pids)) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	check_int(read(out[0], &spawner, sizeof(spawner)), sizeof(spawner));
	check_int(read(out[0], pids, sizeof(pids)), sizeof(pids));
	kill(client, SIGKILL);
	check_int(waitpid(client, NULL, 0), client);
	check(gone(spawner));
	for (unsigned i = 0; i < 10; i++)
		check(gone(pids[i]));
	check_no_groups(spawner);
	close(out[0]);
	close(out[1]);
}

static void test_spawner_killed(void)
{
	pid_t pids[10], spawner;
	int fds[SPAWNER_FD_COUNT] = { -1, -1, -1, -1 };
	struct err e;

	begin("auto", NULL);
	for (unsigned i = 1; i <= 10; i++) {
		start_one(i, &none);
		pids[i - 1] = w.last_spawned.pid;
	}
	spawner = spawn_pid(w.spawn);
	kill(spawner, SIGKILL);
	wait_until(&w.lost, NULL, 0);
	check(w.lost_why.text[0] != '\0');
	check_int(spawn_request(w.spawn, 99, &none, fds, &e), -EPIPE);
	check_int(spawn_kill(w.spawn, 1), -EPIPE);
	for (unsigned i = 0; i < 10; i++)
		check(gone(pids[i]));
	finish();
	/* The next one finds what it left. */
	begin("auto", NULL);
	check_no_groups(spawner);
	finish();
}

/* A process that a monitor leaves behind ends with it. */
static void test_orphan(void)
{
	struct identity me;

	begin("auto", NULL);
	if (w.ready.cgroups) {
		start_one(1, &none);
		order(1, 'o');
		answer(1, &me);
		wait_until(NULL, &w.exited, 1);
		check_int(w.last_exited.wait_status, 0);
		check(gone((pid_t)me.forks));
	}
	finish();
}

static void test_many(void)
{
	char path[64];
	int fds, ours;
	unsigned id = 1;

	begin("auto", NULL);
	start_one(1, &none);
	end_one(1);
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)spawn_pid(w.spawn));
	fds = count_fds(path);
	ours = count_fds("/proc/self/fd");
	for (unsigned n = rounds(40); n; n--) {
		unsigned want = w.exited + 50;

		for (int i = 0; i < 50; i++, id++) {
			ask_for(id, &none);
			order(id, 3);
		}
		wait_until(NULL, &w.exited, want);
	}
	check_int(w.failed, 0);
	check_int(w.exited, rounds(40) * 50 + 1);
	check_int(count_fds("/proc/self/fd"), ours);
	/* It opens files of cgroups when it has told of the end. */
	for (int i = 0; count_fds(path) != fds; i++) {
		check(i < ROUNDS_MAX);
		usleep(1000);
	}
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
		 (int)spawn_pid(w.spawn), (int)spawn_pid(w.spawn));
	for (int i = 0; i < ROUNDS_MAX; i++) {
		AUTO_FCLOSE FILE *f = fopen(path, "re");
		char line[64];

		if (!f || !fgets(line, sizeof(line), f))
			break;
		check(i + 1 < ROUNDS_MAX);
		usleep(1000);
	}
	finish();
}

/* With a range as small as this, users are used again and never shared. */
static void test_small_range(void)
{
	uid_t uid[3];

	if (geteuid() != 0)
		return;
	begin("none", "1879000000:3");
	for (unsigned i = 0; i < 3; i++) {
		start_one(i + 1, &none);
		uid[i] = w.last_spawned.uid;
		check(uid[i] >= 1879000000 && uid[i] <= 1879000002);
	}
	check(uid[0] != uid[1] && uid[0] != uid[2] && uid[1] != uid[2]);
	refuse(4, &none);
	check_int(w.failed_why.code, EUSERS);
	end_one(2);
	start_one(5, &none);
	check_int(w.last_spawned.uid, uid[1]);
	finish();
}

/* mayflyd hands these on as its user said them. */
static void test_bad_options(void)
{
	static const struct spawn_config bad[] = {
		{ .cgroups = "v3" },
		{ .uids = "0:10" },
		{ .uids = "x" },
		{ .uids = "10" },
		{ .uids = "10:0" },
		{ .uids = "10:5x" },
		{ .uids = "4294967294:2" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct spawn_config c = bad[i];
		struct err e;

		c.libexec = libexec;
		c.ops = &ops;
		memset(&w, 0, sizeof(w));
		check_int(loop_new(&w.loop, &e), 0);
		check_int(spawn_start(&w.spawn, w.loop, &c, &e), 0);
		wait_until(&w.lost, NULL, 0);
		check(!w.is_ready);
		finish();
	}
}

/* What cannot be run is said, and nothing is left. */
static void test_no_monitor(void)
{
	static char was[PATH_MAX + 64];
	pid_t spawner;
	FILE *f;

	snprintf(was, sizeof(was), "%s/mayfly-monitor", libexec);
	unlink(was);
	f = fopen(was, "we");
	check(f && fputs("no program\n", f) >= 0 &&
	      fchmod(fileno(f), 0755) == 0);
	fclose(f);
	begin("auto", NULL);
	refuse(1, &none);
	check_int(w.failed_why.code, ENOEXEC);
	spawner = spawn_pid(w.spawn);
	finish();
	check_no_groups(spawner);
	unlink(was);
	check_int(symlink(own, was), 0);
}

int main(int argc, char **argv)
{
	(void)argc;
	world_main(argv);
	RUN(test_identity);
	RUN(test_ends);
	RUN(test_bad_requests);
	RUN(test_bad_messages);
	RUN(test_no_room);
	RUN(test_any_requests);
	RUN(test_client_closes);
	RUN(test_client_killed);
	RUN(test_spawner_killed);
	RUN(test_orphan);
	RUN(test_many);
	RUN(test_small_range);
	RUN(test_bad_options);
	RUN(test_no_monitor);
	return check_done();
}
