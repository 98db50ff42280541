/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What mayflyd and mayfly-spawner say to each other, over a SOCK_SEQPACKET
 * pair: requests one way, events the other, each one message of the struct's
 * size. The spawner finds its end as descriptor SPAWNER_FD; when the other
 * end closes it kills what it started, removes its cgroups and exits.
 * docs/formats/spawner.md is the prose.
 *
 * Both are programs of one release; versions must match exactly. The spawner
 * may hold root: it checks every field, and chooses users and cgroups itself.
 */
#ifndef SPAWNER_PROTOCOL_H
#define SPAWNER_PROTOCOL_H

#include <stdint.h>

#define SPAWNER_FD	      3
#define SPAWNER_VERSION	      1u
#define SPAWNER_INSTANCES_MAX 4096u /* alive at a time */

/* Of a cgroup, if the field is not 0. */
#define SPAWNER_MEMORY_MIN     (1u << 20) /* bytes */
#define SPAWNER_MEMORY_MAX     (1ull << 46)
#define SPAWNER_CPU_MILLI_MIN  10u /* thousandths of a CPU */
#define SPAWNER_CPU_MILLI_MAX  1024000u
#define SPAWNER_CPU_WEIGHT_MAX 10000u /* 100 is everybody's */
#define SPAWNER_PIDS_MIN       2u
#define SPAWNER_PIDS_MAX       65536u

/* The descriptors that come with SPAWNER_SPAWN, in this order. */
enum spawner_fd {
	SPAWNER_FD_CONTROL, /* the monitor's end of a control socket */
	SPAWNER_FD_STDIN,
	SPAWNER_FD_STDOUT,
	SPAWNER_FD_STDERR,
	SPAWNER_FD_COUNT,
};

/* The walls around one instance; 0: none. */
struct spawner_limits {
	uint64_t memory_max; /* bytes */
	uint32_t cpu_milli; /* at most: thousandths of a CPU */
	uint32_t cpu_weight; /* when CPUs are short; 100 is everybody's */
	uint32_t pids_max; /* processes and threads */
	uint32_t pad;
};

enum spawner_request_kind {
	SPAWNER_SPAWN = 1, /* answered by SPAWNED or FAILED */
	SPAWNER_KILL = 2, /* answered by EXITED; an id unknown is ignored */
	SPAWNER_LIMIT = 3, /* other limits; answered only if that fails */
};

struct spawner_request {
	uint32_t version; /* SPAWNER_VERSION */
	uint32_t kind; /* enum spawner_request_kind */
	uint64_t id; /* not 0, of no other instance alive */
	struct spawner_limits limits; /* of SPAWNER_SPAWN and _LIMIT */
};

enum spawner_event_kind {
	SPAWNER_READY = 1, /* the first: u.ready; text: what is missing */
	SPAWNER_SPAWNED = 2, /* u.spawned */
	SPAWNER_FAILED = 3, /* u.failed, text; nothing runs */
	SPAWNER_EXITED = 4, /* u.exited: the last of this id */
	SPAWNER_UNLIMITED = 5, /* u.failed, text: it has not those limits */
};

enum spawner_cgroups {
	SPAWNER_CGROUPS_NONE = 0,
	SPAWNER_CGROUPS_V1 = 1, /* of version 1 or hybrid hosts */
	SPAWNER_CGROUPS_V2 = 2,
};

/* Which limits the host lets us set. */
enum spawner_wall {
	SPAWNER_WALL_MEMORY = 1u,
	SPAWNER_WALL_CPU = 2u,
	SPAWNER_WALL_PIDS = 4u,
};

struct spawner_ready {
	uint32_t cgroups; /* enum spawner_cgroups */
	uint32_t walls; /* enum spawner_wall */
	uint32_t uid_first, uid_count; /* 0, 0: instances keep our user */
};

struct spawner_spawned {
	int32_t pid;
	uint32_t uid; /* 0: the spawner's own */
	uint32_t group; /* number of its cgroup, if there are any */
	uint32_t pad;
};

struct spawner_failed {
	int32_t error; /* an errno, positive */
	uint32_t pad;
};

struct spawner_exited {
	int32_t wait_status; /* as of wait(2) */
	uint32_t oom_kills; /* processes that its cgroup's limit ended */
	uint64_t user_us, sys_us; /* of the monitor and what it waited for */
	uint64_t peak_bytes; /* resident */
};

struct spawner_event {
	uint32_t version; /* SPAWNER_VERSION */
	uint32_t kind; /* enum spawner_event_kind */
	uint64_t id;
	union {
		struct spawner_ready ready;
		struct spawner_spawned spawned;
		struct spawner_failed failed;
		struct spawner_exited exited;
	} u;
	char text[256]; /* a sentence, or empty; ends with NUL */
};

#endif
