/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walls around an instance: limits of its cgroup, as far as the host has
 * them, and the real monitor's jail when the spawner has started it.
 *
 * test: timeout 120
 */
#include "launch/launch.h"
#include "tests/unit/spawn_world.h"

/* Where somebody knows what there is, it must be found. */
static void test_what_there_is(void)
{
	const char *want = getenv("WANT_CGROUPS");

	begin("auto", NULL);
	if (want) {
		check_str(w.missing, "");
		check_int(w.ready.cgroups, strtol(want, NULL, 10));
		check_int(w.ready.walls, SPAWNER_WALL_MEMORY |
						 SPAWNER_WALL_CPU |
						 SPAWNER_WALL_PIDS);
	}
	finish();
}

static void test_memory_wall(void)
{
	const struct spawner_limits l = { .memory_max = 16 << 20 };
	struct identity me;

	begin("auto", NULL);
	if (!(w.ready.walls & SPAWNER_WALL_MEMORY)) {
		finish();
		return;
	}
	start_one(1, &l);
	order(1, 'm');
	wait_until(NULL, &w.exited, 1);
	check_int(w.last_exited.wait_status, SIGKILL);
	check(w.last_exited.oom_kills >= 1);
	start_one(2, &none); /* the same cgroup, maybe, without the limit */
	order(2, 'm');
	answer(2, &me);
	end_one(2);
	check_int(WEXITSTATUS(w.last_exited.wait_status), 7);
	check_int(w.last_exited.oom_kills, 0);
	finish();
}

static void test_cpu_wall(void)
{
	const struct spawner_limits l = { .cpu_milli = 200, .cpu_weight = 50 };
	struct identity me;

	begin("auto", NULL);
	if (!(w.ready.walls & SPAWNER_WALL_CPU)) {
		finish();
		return;
	}
	start_one(1, &l);
	if (w.ready.cgroups == SPAWNER_CGROUPS_V1) {
		check_int(setting("cpu", "cpu.cfs_quota_us"), 20000);
		check_int(setting("cpu", "cpu.cfs_period_us"), 100000);
		check_int(setting("cpu", "cpu.shares"), 512);
	} else {
		check_int(setting(NULL, "cpu.max"), 20000);
		check_int(setting(NULL, "cpu.weight"), 50);
	}
	order(1, 'c');
	answer(1, &me);
	/* 200 ms of a fifth take a second, but for what each CPU had been given
	 * and not used. */
	check(me.wall_us >= 600000);
	end_one(1);
	finish();
}

/* An instance that runs gets other limits. */
static void test_other_limits(void)
{
	const struct spawner_limits tight = { .memory_max = 16 << 20 };
	const struct spawner_limits wrong = { .memory_max = 1 };

	begin("auto", NULL);
	if (!(w.ready.walls & SPAWNER_WALL_MEMORY)) {
		finish();
		return;
	}
	start_one(1, &none);
	check_int(spawn_limit(w.spawn, 1, &wrong), 0);
	wait_until(NULL, &w.unlimited, 1);
	check_int(w.failed_why.code, ERANGE);
	check_int(spawn_limit(w.spawn, 77, &tight), 0); /* nobody: ignored */
	check_int(spawn_limit(w.spawn, 1, &tight), 0);
	start_one(2, &none); /* answered in order: it is set */
	order(1, 'm');
	wait_until(NULL, &w.exited, 1);
	check_int(w.last_exited.wait_status, SIGKILL);
	check(w.last_exited.oom_kills >= 1);
	check_int(w.unlimited, 1);
	end_one(2);
	finish();
}

static void test_pids_wall(void)
{
	const struct spawner_limits l = { .pids_max = 8 };
	struct identity me;

	begin("auto", NULL);
	if (!(w.ready.walls & SPAWNER_WALL_PIDS)) {
		finish();
		return;
	}
	start_one(1, &l);
	order(1, 'f');
	answer(1, &me);
	check_int(me.forks, 7);
	check_int(spawn_kill(w.spawn, 1), 0);
	wait_until(NULL, &w.exited, 1);
	finish();
}

/* ---- with the real monitor --------------------------------------------- */

static unsigned long status_number(pid_t pid, const char *key, int base)
{
	AUTO_FCLOSE FILE *f = NULL;
	char path[64], line[256];
	size_t len = strlen(key);

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, len) == 0)
			return strtoul(line + len, NULL, base);
	}
	return ~0ul;
}

/* As far as a shell: it has given up its privileges then. */
static void make_shell(uint64_t id)
{
	static struct mf_ctl_event ev;
	struct mf_snapshot_facts facts = { 0 };
	struct launch l = { .kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC) };
	struct err e = { 0 };

	start_one(id, &none);
	l.ctl = w.control[id];
	l.substrate = l.kvm_fd < 0 ? MF_SUBSTRATE_PROCESS : MF_SUBSTRATE_KVM;
	check_int(launch_send_shell(&l, &facts, &e), 0);
	check(recv(l.ctl, &ev, sizeof(ev), 0) > 0);
	check_int(ev.kind, MF_EV_SHELL);
	if (l.kvm_fd >= 0) {
		check_int(status_number(w.pids[id], "Seccomp:", 10), 2);
		close(l.kvm_fd);
	}
}

static void check_jailed(pid_t pid)
{
	char path[64], root[PATH_MAX] = "";

	check_int(status_number(pid, "CapPrm:", 16), 0);
	check_int(status_number(pid, "CapAmb:", 16), 0);
	check_int(status_number(pid, "NoNewPrivs:", 10), 1);
	if (geteuid() != 0)
		return;
	check_int(status_number(pid, "Uid:", 10), w.last_spawned.uid);
	check_int(status_number(pid, "Gid:", 10), w.last_spawned.uid);
	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	check(readlink(path, root, sizeof(root) - 1) > 0);
	check(strstr(root, "/mayfly-") && strstr(root, " (deleted)"));
}

static void test_real_monitor(void)
{
	static char saved[PATH_MAX];
	const char *build = getenv("BUILD");
	pid_t pid;

	memcpy(saved, libexec, sizeof(saved));
	snprintf(libexec, sizeof(libexec), "%s/bin", build ? build : "build");
	begin("auto", NULL);
	memcpy(libexec, saved, sizeof(libexec));
	make_shell(1);
	check_jailed(w.pids[1]);
	end_one(1); /* by itself: nobody wants it */
	check_int(w.last_exited.wait_status, 0);
	make_shell(2);
	kill(w.pids[2], SIGKILL);
	wait_until(NULL, &w.exited, 2);
	check_int(w.last_exited.wait_status, SIGKILL);
	make_shell(3); /* whose life is bound to the spawner's, jail or not */
	pid = w.pids[3];
	kill(spawn_pid(w.spawn), SIGKILL);
	wait_until(&w.lost, NULL, 0);
	check(gone(pid));
	finish();
	begin("auto", NULL); /* removes what the one that was killed left */
	finish();
}

int main(int argc, char **argv)
{
	(void)argc;
	world_main(argv);
	RUN(test_what_there_is);
	RUN(test_memory_wall);
	RUN(test_cpu_wall);
	RUN(test_other_limits);
	RUN(test_pids_wall);
	RUN(test_real_monitor);
	return check_done();
}
