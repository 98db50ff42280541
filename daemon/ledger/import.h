/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that carries the journal into the database, and answers
 * questions: the only one that waits for disks. ledger.c tells it what has
 * been written and what is asked, under the lock; store and reader are the
 * thread's alone once it runs.
 */
#ifndef DAEMON_LEDGER_IMPORT_H
#define DAEMON_LEDGER_IMPORT_H

#include <pthread.h>
#include <stdbool.h>

#include "daemon/ledger/store.h"
#include "lib/list.h"

struct ledger_job {
	struct list node;
	struct ledger_call *call; /* the loop's; NULL: nobody waits any more */
	struct ledger_query query;
	bool totals;
	char *text; /* the answer */
	size_t len;
	struct err error; /* code 0: none */
};

struct import {
	/* The thread's. */
	struct store store;
	int dir_fd;
	uint32_t reading; /* segment that segment_fd is of; 0: none */
	int segment_fd; /* or -1 */
	uint8_t *buf; /* IMPORT_CHUNK bytes */
	bool said; /* that it fails */
	uint32_t damaged_segment; /* that it is was said; 0: none */

	pthread_t thread;
	bool opened, running;
	int event_fd; /* for the loop: there are answers */

	/* Under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop, waiting;
	struct journal_mark written; /* what there is to import */
	struct journal_mark done; /* what was */
	struct list jobs, answered;
	uint64_t backlog; /* bytes that are not in the database */
	uint64_t imported, damaged;
	bool failing;
};

int import_open(struct import *m, const char *state_dir, int dir_fd,
		const struct ledger_limits *limits, struct err *e);
/* Before it runs: imports what an earlier process left, and loses who was
 * alive then. *ret_last: the last segment that ever was. */
int import_recover(struct import *m, uint32_t *ret_last, struct err *e);
int import_start(struct import *m, struct err *e);
/* Imports what there is, if it can, and ends the thread. */
void import_close(struct import *m);

/* The journal has `bytes` more and ends at `end`. */
void import_add(struct import *m, struct journal_mark end, uint64_t bytes);
void import_ask(struct import *m, struct ledger_job *job);
/* A job that is done, or NULL. */
struct ledger_job *import_answered(struct import *m);
uint64_t import_backlog(struct import *m);
void import_facts(const struct import *m, struct ledger_facts *ret);

#endif
