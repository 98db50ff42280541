/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left of memory and processes, told from trees of files like those
 * of a host: no cgroups, version 1, version 2, both, and inside a container.
 */
#include "launch/host_room.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/file.h"
#include "tests/unit/check.h"

#define MIB (1ull << 20)

static char root[64];

static void put(const char *path, const char *text)
{
	char full[512], *slash;
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	slash = strrchr(full, '/');
	*slash = '\0';
	check_int(file_mkdirs(full), 0);
	*slash = '/';
	f = fopen(full, "w");
	check(f != NULL);
	fputs(text, f);
	fclose(f);
}

static void begin(void)
{
	snprintf(root, sizeof(root), "/tmp/mayfly-room-XXXXXX");
	check(mkdtemp(root) != NULL);
	put("/proc/meminfo", "MemTotal:       8192 kB\n"
			     "MemAvailable:   4096 kB\n"
			     "SwapFree:          0 kB\n");
	put("/proc/loadavg", "0.1 0.2 0.3 2/300 4711\n");
	put("/proc/sys/kernel/pid_max", "32768\n");
	put("/proc/sys/kernel/threads-max", "1000\n");
}

static void end(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", "-rf", root, NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

static void test_machine(void)
{
	begin();
	check_int(host_room_memory(root), 4 * MIB);
	check_int(host_room_tasks(root), 700);
	check_int(host_room_oom_kills(root), 0);
	put("/proc/vmstat", "oom_killer_like 9\noom_kill 3\n");
	check_int(host_room_oom_kills(root), 3);
	put("/proc/meminfo", "MemAvailable:   4096 kB\nSwapFree: 1024 kB\n");
	check_int(host_room_memory(root), 5 * MIB);
	end();
}

static void test_nothing_known(void)
{
	snprintf(root, sizeof(root), "/nonexistent");
	check(host_room_memory(root) == UINT64_MAX);
	check(host_room_tasks(root) == UINT64_MAX);
	check_int(host_room_oom_kills(root), 0);
}

static void test_version_1(void)
{
	begin();
	put("/proc/self/cgroup", "8:pids:/\n4:cpu,memory:/a/b\n0::/\n");
	put("/proc/self/mountinfo",
	    "30 24 0:26 / /cg/memory rw - cgroup cgroup rw,cpu,memory\n"
	    "31 24 0:27 / /cg/pids rw - cgroup cgroup rw,pids\n");
	put("/cg/memory/memory.limit_in_bytes", "9223372036854771712\n");
	put("/cg/memory/memory.usage_in_bytes", "100000\n");
	put("/cg/memory/a/memory.limit_in_bytes", "3145728\n");
	put("/cg/memory/a/memory.usage_in_bytes", "2097152\n");
	put("/cg/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
	put("/cg/memory/a/b/memory.usage_in_bytes", "0\n");
	check_int(host_room_memory(root), MIB);
	put("/cg/memory/a/memory.stat", "inactive_file 9999999\n"
					"total_inactive_file 524288\n"
					"total_active_file 524288\n");
	check_int(host_room_memory(root), 2 * MIB);
	put("/cg/memory/a/memory.usage_in_bytes", "9145728\n");
	check_int(host_room_memory(root), 0);
	put("/proc/vmstat", "oom_kill 3\n");
	check_int(host_room_oom_kills(root), 3);
	put("/cg/memory/a/b/memory.oom_control",
	    "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
	check_int(host_room_oom_kills(root), 1);
	put("/cg/pids/pids.max", "50\n");
	put("/cg/pids/pids.current", "20\n");
	check_int(host_room_tasks(root), 30);
	put("/cg/pids/pids.max", "max\n");
	check_int(host_room_tasks(root), 700);
	end();
}

static void test_version_2(void)
{
	begin();
	put("/proc/self/cgroup", "0::/user.slice/x.scope\n");
	put("/proc/self/mountinfo",
	    "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
	    "30 24 0:26 / /cg rw,nosuid shared:4 - cgroup2 cgroup2 rw\n");
	put("/cg/user.slice/memory.max", "max\n");
	put("/cg/user.slice/memory.current", "4000000\n");
	put("/cg/user.slice/x.scope/memory.max", "2097152\n");
	put("/cg/user.slice/x.scope/memory.current", "1048576\n");
	put("/cg/user.slice/x.scope/memory.stat", "anon 1\n"
						  "inactive_file 524288\n");
	check_int(host_room_memory(root), 3 * MIB / 2);
	put("/cg/user.slice/memory.max", "4000001\n");
	check_int(host_room_memory(root), 1);
	put("/cg/user.slice/x.scope/memory.events.local",
	    "max 9\noom_kill 2\n");
	check_int(host_room_oom_kills(root), 2);
	put("/cg/user.slice/pids.max", "12\n");
	put("/cg/user.slice/pids.current", "5\n");
	check_int(host_room_tasks(root), 7);
	end();
}

/* The mount shows a part of the hierarchy; another one is not ours. */
static void test_container(void)
{
	begin();
	put("/proc/self/cgroup", "4:memory:/docker/abc/in\n");
	put("/proc/self/mountinfo",
	    "30 24 0:26 /docker/abc /cg rw - cgroup cgroup rw,memory\n");
	put("/cg/memory.limit_in_bytes", "1048576\n");
	put("/cg/memory.usage_in_bytes", "0\n");
	put("/cg/in/memory.limit_in_bytes", "2097152\n");
	put("/cg/in/memory.usage_in_bytes", "1572864\n");
	check_int(host_room_memory(root), MIB / 2);
	put("/proc/self/cgroup", "4:memory:/docker/abcdef\n");
	check_int(host_room_memory(root), MIB);
	put("/proc/self/mountinfo", "30 24 0:26\n30 24 - cgroup\n- cgroup\n");
	check_int(host_room_memory(root), 4 * MIB);
	end();
}

int main(void)
{
	RUN(test_machine);
	RUN(test_nothing_known);
	RUN(test_version_1);
	RUN(test_version_2);
	RUN(test_container);
	return check_done();
}
