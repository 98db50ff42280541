/* SPDX-License-Identifier: Apache-2.0 */
/* What the user asked `mayfly run` for. */
#ifndef CLI_RUN_OPTIONS_H
#define CLI_RUN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/ctl.h"
#include "cli/egress_policy.h"
#include "cli/env_list.h"
#include "cli/name_servers.h"
#include "cli/opts.h"
#include "cli/parse.h"

#define RUN_MEMORY_DEFAULT (512ull << 20) /* bytes */
#define RUN_CLONES_MAX	   10000u

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

extern const struct opt run_opts[];

/* *ret must be zero; the caller calls run_options_fini() in any case. */
int run_options_parse(struct run_options *ret, int argc, char **argv,
		      struct err *e);

#define RUN_MORE_ID 100 /* the lowest id of an option that is not here */

/* For a command that has options of its own beside these. */
struct run_more {
	const struct opt *table; /* all of them, run_opts among them */
	int (*take)(void *arg, int id, const char *value, struct err *e);
	void *arg;
	/* Whether it is to be taken as --env. */
	bool (*is_env)(int id, const char *value);
	/* Options may follow the program; its arguments follow a --. */
	bool words_between;
};

/* As run_options_parse; no program is no error, ret->path is NULL then. */
int run_options_parse_more(struct run_options *ret, int argc, char **argv,
			   const struct run_more *more, struct err *e);
void run_options_fini(struct run_options *o);

#define AUTO_RUN_OPTIONS __attribute__((cleanup(run_options_fini)))

#endif
