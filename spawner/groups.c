/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One cgroup for each instance: limits, what they ended, and using it again,
 * which saves making and removing directories in up to three hierarchies.
 *
 * A thread that writes itself into a file `tasks` of version 1 takes 25 us a
 * hierarchy; any other process, or cgroup.procs, has Linux wait for all CPUs,
 * 13 ms. So the new process goes in by itself, before exec.
 */
#include "spawner/groups.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cleanup.h"

#define CPU_PERIOD_US 100000u
#define SHARES_OF_100 1024u /* cpu.shares of a cpu.weight of 100 */
/* With more than this a cgroup is not used again: it would be the next one's
 * from the start. */
#define LEFTOVER_MAX (1u << 20)

struct limit_file {
	const char *name[2]; /* of version 1 and 2; NULL: there is none */
	enum spawner_wall wall;
	bool must; /* else the host may not have it */
	void (*format)(const struct spawner_limits *l, bool v2, char *ret,
		       size_t size);
};

static void text_memory(const struct spawner_limits *l, bool v2, char *ret,
			size_t size)
{
	if (l->memory_max)
		snprintf(ret, size, "%llu", (unsigned long long)l->memory_max);
	else
		snprintf(ret, size, "%s", v2 ? "max" : "-1");
}

static void text_swap(const struct spawner_limits *l, bool v2, char *ret,
		      size_t size)
{
	(void)v2;
	snprintf(ret, size, "%s", l->memory_max ? "0" : "max");
}

static void text_period(const struct spawner_limits *l, bool v2, char *ret,
			size_t size)
{
	(void)l;
	(void)v2;
	snprintf(ret, size, "%u", CPU_PERIOD_US);
}

static void text_quota(const struct spawner_limits *l, bool v2, char *ret,
		       size_t size)
{
	unsigned long quota = l->cpu_milli * (CPU_PERIOD_US / 1000ul);

	if (!l->cpu_milli)
		snprintf(ret, size, "%s", v2 ? "max" : "-1");
	else if (v2)
		snprintf(ret, size, "%lu %u", quota, CPU_PERIOD_US);
	else
		snprintf(ret, size, "%lu", quota);
}

static void text_weight(const struct spawner_limits *l, bool v2, char *ret,
			size_t size)
{
	uint64_t weight = l->cpu_weight ? l->cpu_weight : 100;

	if (!v2)
		weight = weight * SHARES_OF_100 / 100;
	snprintf(ret, size, "%llu",
		 (unsigned long long)(weight < 2 && !v2 ? 2 : weight));
}

static void text_pids(const struct spawner_limits *l, bool v2, char *ret,
		      size_t size)
{
	(void)v2;
	if (l->pids_max)
		snprintf(ret, size, "%u", l->pids_max);
	else
		snprintf(ret, size, "max");
}

static const struct limit_file limit_files[] = {
	{ { "memory.limit_in_bytes", "memory.max" },
	  SPAWNER_WALL_MEMORY,
	  true,
	  text_memory },
	{ { NULL, "memory.swap.max" }, SPAWNER_WALL_MEMORY, false, text_swap },
	{ { "cpu.cfs_period_us", NULL }, SPAWNER_WALL_CPU, true, text_period },
	{ { "cpu.cfs_quota_us", "cpu.max" },
	  SPAWNER_WALL_CPU,
	  true,
	  text_quota },
	{ { "cpu.shares", "cpu.weight" }, SPAWNER_WALL_CPU, true, text_weight },
	{ { "pids.max", "pids.max" }, SPAWNER_WALL_PIDS, true, text_pids },
};

#define LIMIT_FILES (sizeof(limit_files) / sizeof(limit_files[0]))

/* A quota above what a cgroup over ours has is refused, and in force there. */
static bool is_harmless(const struct limit_file *f, int code)
{
	return !f->must || (code == -EINVAL && f->format == text_quota);
}

static int set_limits_in(const struct groups *g, const struct groups_tree *t,
			 struct group *one, const struct spawner_limits *limits,
			 struct err *e)
{
	bool v2 = g->kind == SPAWNER_CGROUPS_V2;
	char text[64], now[64];
	int r;

	for (size_t i = 0; i < LIMIT_FILES; i++) {
		const struct limit_file *f = &limit_files[i];

		if (!(t->walls & f->wall) || !f->name[v2])
			continue;
		f->format(limits, v2, text, sizeof(text));
		f->format(&one->limits, v2, now, sizeof(now));
		if (strcmp(text, now) == 0)
			continue;
		r = group_write(t->dir, one->number, f->name[v2], text);
		if (r < 0 && !is_harmless(f, r))
			return err_sys(e, -r, "cannot set %s of a cgroup to %s",
				       f->name[v2], text);
	}
	return 0;
}

static int set_limits(const struct groups *g, struct group *one,
		      const struct spawner_limits *limits, struct err *e)
{
	static const struct spawner_limits unknown = { 1, 1, 1, 1, 0 };
	int r = 0;

	for (unsigned i = 0; i < g->tree_count && r == 0; i++)
		r = set_limits_in(g, &g->trees[i], one, limits, e);
	/* After a failure it is unknown: what is in force next is written. */
	one->limits = r == 0 ? *limits : unknown;
	return r;
}

int groups_limit(struct groups *g, struct group *one,
		 const struct spawner_limits *limits, struct err *e)
{
	return one ? set_limits(g, one, limits, e) : 0;
}

/* ---- making and removing ------------------------------------------------- */

static void discard(const struct groups *g, struct group *one)
{
	char name[16];

	snprintf(name, sizeof(name), "%u", one->number);
	for (unsigned i = 0; i < g->tree_count; i++)
		unlinkat(g->trees[i].dir, name, AT_REMOVEDIR);
	free(one);
}

static struct group *make(struct groups *g, struct err *e)
{
	struct group *one = calloc(1, sizeof(*one));
	char name[16];

	if (!one) {
		err_set(e, ENOMEM, "no memory for a cgroup");
		return NULL;
	}
	one->number = ++g->last_number;
	snprintf(name, sizeof(name), "%u", one->number);
	for (unsigned i = 0; i < g->tree_count; i++) {
		if (mkdirat(g->trees[i].dir, name, 0755) == 0)
			continue;
		err_sys(e, errno, "cannot make a cgroup");
		discard(g, one);
		return NULL;
	}
	return one;
}

int groups_take(struct groups *g, const struct spawner_limits *limits,
		struct group **ret, struct err *e)
{
	struct group *one;

	*ret = NULL;
	if (!g->tree_count)
		return 0;
	while ((one = g->idle)) {
		g->idle = one->next;
		g->idle_count--;
		if (set_limits(g, one, limits, e) == 0)
			break;
		discard(g, one);
	}
	if (!one) {
		one = make(g, e);
		if (!one)
			return -e->code;
		if (set_limits(g, one, limits, e) < 0) {
			discard(g, one);
			return -e->code;
		}
	}
	one->next = NULL;
	*ret = one;
	return 0;
}

int groups_enter(const struct groups *g, const struct group *one)
{
	int r = 0;

	for (unsigned i = 0; i < g->tree_count && r == 0; i++)
		r = group_write(g->trees[i].dir, one->number, "tasks", "0");
	return r;
}

int groups_open(const struct groups *g, const struct group *one)
{
	char name[16];
	int fd;

	snprintf(name, sizeof(name), "%u", one->number);
	fd = openat(g->trees[0].dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* ---- the end of an instance ---------------------------------------------- */

static const struct groups_tree *memory_tree(const struct groups *g)
{
	for (unsigned i = 0; i < g->tree_count; i++) {
		if (g->trees[i].walls & SPAWNER_WALL_MEMORY)
			return &g->trees[i];
	}
	return NULL;
}

static uint64_t count_oom_kills(const struct groups *g, const struct group *one)
{
	const char *file = g->kind == SPAWNER_CGROUPS_V2 ? "memory.events" :
							   "memory.oom_control";
	const struct groups_tree *t = memory_tree(g);
	char text[512];
	const char *at;

	if (!t || group_read(t->dir, one->number, file, text, sizeof(text)) < 0)
		return 0;
	at = strstr(text, "oom_kill ");
	return at ? strtoull(at + strlen("oom_kill "), NULL, 10) : 0;
}

uint32_t groups_oom_kills(const struct groups *g, const struct group *one)
{
	uint64_t now;

	if (!one || !one->limits.memory_max)
		return 0;
	now = count_oom_kills(g, one);
	return now > one->oom_kills ? (uint32_t)(now - one->oom_kills) : 0;
}

/* Reused, it would count what is left against the next instance. */
static bool is_clean(const struct groups *g, const struct group *one)
{
	const char *file = g->kind == SPAWNER_CGROUPS_V2 ?
				   "memory.current" :
				   "memory.usage_in_bytes";
	const struct groups_tree *t = memory_tree(g);
	char text[32];

	if (!t)
		return true;
	return group_read(t->dir, one->number, file, text, sizeof(text)) == 0 &&
	       strtoull(text, NULL, 10) <= LEFTOVER_MAX;
}

/* Kills what is in it; false if nothing is. */
static bool kill_members(const struct groups *g, const struct group *one)
{
	char text[1024], *at = text, *end;
	bool any = false;

	if (group_read(g->trees[0].dir, one->number, "cgroup.procs", text,
		       sizeof(text)) < 0)
		return false;
	for (;;) {
		long pid = strtol(at, &end, 10);

		/* The last may have been cut: only whole lines. */
		if (end == at || *end != '\n')
			return any;
		if (pid > 1)
			kill((pid_t)pid, SIGKILL);
		any = true;
		at = end + 1;
	}
}

void groups_kill(const struct groups *g, const struct group *one)
{
	if (!one)
		return;
	if (g->kind != SPAWNER_CGROUPS_V2 ||
	    group_write(g->trees[0].dir, one->number, "cgroup.kill", "1") < 0)
		kill_members(g, one);
}

static bool retire(struct groups *g, struct group *one)
{
	if (kill_members(g, one))
		return false;
	if (g->idle_count >= GROUPS_FREE_MAX || !is_clean(g, one)) {
		discard(g, one);
		return true;
	}
	if (one->limits.memory_max)
		one->oom_kills = count_oom_kills(g, one);
	one->next = g->idle;
	g->idle = one;
	g->idle_count++;
	return true;
}

void groups_release(struct groups *g, struct group *one)
{
	if (!one || retire(g, one))
		return;
	one->next = g->dying;
	g->dying = one;
}

bool groups_tidy(struct groups *g)
{
	struct group *all = g->dying, *next;

	g->dying = NULL;
	for (; all; all = next) {
		next = all->next;
		groups_release(g, all);
	}
	return g->dying != NULL;
}
