/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cgroups of instances, one each, below a cgroup of ours that lies in the
 * one we were started in. An instance that has ended leaves its cgroup empty,
 * and the next one gets it.
 */
#ifndef SPAWNER_GROUPS_H
#define SPAWNER_GROUPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/err.h"
#include "spawner/protocol.h"

#define GROUPS_TREES_MAX 3u /* memory, cpu and pids can be apart */
#define GROUPS_FREE_MAX	 64u /* empty ones that are kept */

/* One hierarchy, and the controllers that we use of it. */
struct groups_tree {
	int above; /* the cgroup that we were started in */
	int dir; /* ours, locked; holds the instances' */
	unsigned walls; /* enum spawner_wall */
};

/* An instance's, of the same name in each tree. */
struct group {
	struct group *next; /* in a list of struct groups */
	unsigned number; /* its name, from 1 */
	struct spawner_limits limits; /* as they are set */
	uint64_t oom_kills; /* before this instance */
};

struct groups {
	enum spawner_cgroups kind;
	unsigned walls; /* enum spawner_wall */
	struct groups_tree trees[GROUPS_TREES_MAX];
	unsigned tree_count;
	char name[32]; /* of our cgroup */
	pid_t parent; /* mayflyd */
	bool moved; /* v2: both of us went into a leaf of our own */
	unsigned last_number;
	struct group *idle; /* empty, to be used again */
	unsigned idle_count;
	struct group *dying; /* released, with processes in them */
};

/*
 * Finds out what the host lets us do, and makes our cgroup. `want` is auto,
 * v1, v2 or none. Without a cgroup all goes on, with kind NONE: `why` then says
 * what is missing, else it is empty.
 */
void groups_init(struct groups *ret, const char *want, pid_t parent,
		 struct err *why);
/* Everything in our cgroups must be dead; waits for that a moment. */
void groups_fini(struct groups *g);

/* A cgroup with these limits; *ret is NULL if there are no cgroups. */
int groups_take(struct groups *g, const struct spawner_limits *limits,
		struct group **ret, struct err *e);
/* Other limits for the one that is in it; `one` may be NULL. */
int groups_limit(struct groups *g, struct group *one,
		 const struct spawner_limits *limits, struct err *e);
/*
 * Version 1: the calling thread, just made, goes in; only async-signal-safe
 * calls. 0 or -errno.
 */
int groups_enter(const struct groups *g, const struct group *one);
/* Version 2: a descriptor for CLONE_INTO_CGROUP, or -errno. */
int groups_open(const struct groups *g, const struct group *one);
/* What the limit of memory has ended since it was taken. */
uint32_t groups_oom_kills(const struct groups *g, const struct group *one);
/* Ends what is left in it. NULL is fine. */
void groups_kill(const struct groups *g, const struct group *one);
/* Its instance is dead. NULL is fine. */
void groups_release(struct groups *g, struct group *one);
/* Looks after released ones; true: call again in a moment. */
bool groups_tidy(struct groups *g);

/* ---- of groups_find.c, for groups.c ------------------------------------- */

/* Text into, or out of, a file of a cgroup: 0 or -errno. */
int group_write(int dir, unsigned number, const char *file, const char *text);
int group_read(int dir, unsigned number, const char *file, char *ret,
	       unsigned size);
/* Removes our cgroup with all that is empty in it. */
void groups_remove_tree(int above, const char *name);

#endif
