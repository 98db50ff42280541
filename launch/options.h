/* SPDX-License-Identifier: Apache-2.0 */
/* What an instance is to be: all that a start message is made of. */
#ifndef LAUNCH_OPTIONS_H
#define LAUNCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "abi/ctl.h"
#include "launch/egress_policy.h"
#include "launch/env_list.h"
#include "launch/name_servers.h"

#define RUN_MEMORY_DEFAULT (512ull << 20) /* bytes */
#define RUN_CLONES_MAX	   10000u

/* A port of the host and the guest's port that it stands for. */
struct port_map {
	struct sockaddr_storage addr; /* with the host's port */
	socklen_t addr_len;
	uint16_t host_port, guest_port;
	uint8_t proto; /* IPPROTO_TCP or IPPROTO_UDP */
};

/* Where the system calls are traced to, and which. */
struct run_trace {
	struct mf_trace_config config;
	int fd; /* non-blocking */
};

/* Where a snapshot goes to or comes from. */
struct run_snapshot {
	enum mf_start_kind kind; /* MF_START_SNAPSHOT or _COPY */
	int fd;
	bool mark; /* SNAPSHOT: at the program's mark only */
	uint32_t warm_up; /* SNAPSHOT: requests before it */
	const char *request; /* the path they ask for; NULL: "/" */
	/* SNAPSHOT: variables that copies may set, NAME or NAME=default. */
	const char *late_env[MF_LATE_MAX];
	uint32_t late_count;
	struct mf_snapshot_facts facts; /* SNAPSHOT: filled when taken */
	bool taken;
};

struct run_options {
	const char *path; /* program or image */
	char **args; /* the program's, args_count of them */
	int args_count;
	struct env_list env; /* --env-file, then -e */
	struct port_map ports[MF_PORTS_MAX];
	uint32_t port_count;
	uint64_t memory_bytes; /* 0: not said */
	uint64_t timeout_ms; /* 0: none */
	uint32_t clones; /* of a snapshot; 0: not said */
	bool overcommit; /* also where memory may not do for them */
	const char *name; /* NULL: not said */
	const char *cwd; /* NULL: not said */
	/* Of descriptors 0 to 2 of the monitor (MF_CONSOLE_*), where these are
	 * not ours; NULL: they are. */
	const uint32_t *console_flags;
	enum mf_substrate substrate;
	const struct run_trace *trace; /* NULL: not traced */
	struct run_snapshot *snapshot; /* NULL: an ordinary start */
	struct egress_policy egress; /* --egress; grows while it runs */
	struct name_servers dns; /* --dns */
	bool record; /* a copy is asked what it has touched */
	bool keep; /* a copy is reset at its end, and waits */
	bool restart; /* it begins again when it has ended ... */
	uint64_t restart_max; /* ... so often at most; 0: always */
	bool stats;
	bool help; /* nothing else counts */
};

#endif
