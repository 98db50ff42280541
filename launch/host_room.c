/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads /proc and the cgroup file systems. A limit may stand in any cgroup
 * above ours, so all of them are asked, up to where the hierarchy is mounted.
 */
#include "launch/host_room.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/cgroup.h"
#include "host/cleanup.h"

#define NONE	     UINT64_MAX
#define PATH_LEN     CGROUP_PATH_MAX
#define LINE_MAX_LEN 1024

static FILE *open_at(const char *root, const char *dir, const char *name)
{
	char path[PATH_LEN];
	int n = snprintf(path, sizeof(path), "%s%s/%s", root, dir, name);

	return n < (int)sizeof(path) ? fopen(path, "re") : NULL;
}

/* A number, or NONE: "max" is no limit, nor is a file that is not there. */
static uint64_t read_number(const char *root, const char *dir, const char *name)
{
	AUTO_FCLOSE FILE *f = open_at(root, dir, name);
	char line[64], *end;
	uint64_t n;

	if (!f || !fgets(line, sizeof(line), f))
		return NONE;
	n = strtoull(line, &end, 10);
	return end == line ? NONE : n;
}

/* The number behind `key` in a file of such lines; 0: there is none. */
static uint64_t read_key(const char *root, const char *dir, const char *name,
			 const char *key)
{
	AUTO_FCLOSE FILE *f = open_at(root, dir, name);
	char line[LINE_MAX_LEN];
	size_t len = strlen(key);

	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, len) == 0 && line[len] &&
		    strchr(" :\t", line[len]))
			return strtoull(line + len + 1, NULL, 10);
	}
	return 0;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* ---- cgroups ------------------------------------------------------------- */

typedef uint64_t (*room_fn)(const char *root, const char *dir, bool unified);

/* The least that is left in our cgroup and those above it. */
static uint64_t room_in_hierarchy(const char *root, const char *controller,
				  bool unified, room_fn room)
{
	char dir[PATH_LEN], *slash;
	uint64_t least = NONE;
	size_t mount_len;

	if (!cgroup_own_dir(dir, &mount_len, root, unified ? NULL : controller))
		return NONE;
	for (;;) {
		least = min_u64(least, room(root, dir, unified));
		slash = strrchr(dir, '/');
		if (!slash || (size_t)(slash - dir) < mount_len)
			return least;
		*slash = '\0';
	}
}

static uint64_t room_in_cgroups(const char *root, const char *controller,
				room_fn room)
{
	return min_u64(room_in_hierarchy(root, controller, false, room),
		       room_in_hierarchy(root, controller, true, room));
}

/* Files that can be read again count as used until somebody needs room. */
static uint64_t memory_in_cgroup(const char *root, const char *dir,
				 bool unified)
{
	static const char *const keys[2][2] = {
		{ "total_inactive_file", "total_active_file" },
		{ "inactive_file", "active_file" },
	};
	uint64_t limit = read_number(
		root, dir, unified ? "memory.max" : "memory.limit_in_bytes");
	uint64_t used = read_number(root, dir,
				    unified ? "memory.current" :
					      "memory.usage_in_bytes");

	if (limit == NONE || used == NONE)
		return NONE;
	for (int i = 0; i < 2; i++)
		used = minus(used, read_key(root, dir, "memory.stat",
					    keys[unified][i]));
	return minus(limit, used);
}

static uint64_t tasks_in_cgroup(const char *root, const char *dir, bool unified)
{
	uint64_t limit = read_number(root, dir, "pids.max");
	uint64_t used = read_number(root, dir, "pids.current");

	(void)unified;
	return limit == NONE || used == NONE ? NONE : minus(limit, used);
}

/* ---- the machine --------------------------------------------------------- */

uint64_t host_room_memory(const char *root)
{
	uint64_t kib = read_key(root, "/proc", "meminfo", "MemAvailable");

	kib += read_key(root, "/proc", "meminfo", "SwapFree");
	return min_u64(kib ? kib << 10 : NONE,
		       room_in_cgroups(root, "memory", memory_in_cgroup));
}

/* The fourth word of loadavg: "runnable/all". */
static uint64_t tasks_now(const char *root)
{
	AUTO_FCLOSE FILE *f = open_at(root, "/proc", "loadavg");
	char line[128], *slash;

	if (!f || !fgets(line, sizeof(line), f))
		return 0;
	slash = strchr(line, '/');
	return slash ? strtoull(slash + 1, NULL, 10) : 0;
}

uint64_t host_room_tasks(const char *root)
{
	const char *dir = "/proc/sys/kernel";
	uint64_t most = min_u64(read_number(root, dir, "pid_max"),
				read_number(root, dir, "threads-max"));

	return min_u64(most == NONE ? NONE : minus(most, tasks_now(root)),
		       room_in_cgroups(root, "pids", tasks_in_cgroup));
}

uint64_t host_room_oom_kills(const char *root)
{
	static const char *const files[] = { "memory.oom_control",
					     "memory.events.local" };
	char dir[PATH_LEN];
	size_t mount_len;

	for (int unified = 0; unified < 2; unified++) {
		AUTO_FCLOSE FILE *f = NULL;

		if (cgroup_own_dir(dir, &mount_len, root,
				   unified ? NULL : "memory"))
			f = open_at(root, dir, files[unified]);
		if (f)
			return read_key(root, dir, files[unified], "oom_kill");
	}
	return read_key(root, "/proc", "vmstat", "oom_kill");
}
