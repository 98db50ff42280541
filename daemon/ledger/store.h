/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STATE/ledger.db: rows of instances and their runs, totals by function and
 * month, and how far the journal has been carried over; all of it changes in
 * one transaction, so that a record counts once. docs/formats/ledger.md has
 * the tables. Used by one thread at a time.
 */
#ifndef DAEMON_LEDGER_STORE_H
#define DAEMON_LEDGER_STORE_H

#include <sqlite3.h>

#include "daemon/ledger/journal.h"
#include "daemon/ledger/ledger.h"

enum store_statement {
	STORE_BEGIN,
	STORE_COMMIT,
	STORE_ROLLBACK,
	STORE_FIND,
	STORE_BIRTH,
	STORE_START,
	STORE_RUN,
	STORE_RAN,
	STORE_DEATH,
	STORE_TOTAL_RUN,
	STORE_TOTAL_DEATH,
	STORE_COUNT_DEATH,
	STORE_ALIVE,
	STORE_POSITION,
	STORE_OLD_INSTANCES,
	STORE_OLD_ROWS,
	STORE_OLD_RUNS,
	STORE_OLD_MONTHS,
	STORE_OLD_DEATHS,
	STORE_STATEMENTS,
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *statements[STORE_STATEMENTS];
	struct journal_mark position; /* of the journal: up to it all is here */
	uint64_t last_ms; /* the last moment that a record told of */
	struct ledger_limits limits;
	uint64_t since_prune; /* records */
};

int store_open(struct store *s, const char *state_dir,
	       const struct ledger_limits *limits, struct err *e);
void store_close(struct store *s);

/* A transaction. store_end commits if `r` is 0, else undoes; returns the
 * error that there is. */
int store_begin(struct store *s, struct err *e);
int store_record(struct store *s, const struct record *r, struct err *e);
/* In the transaction: the journal is carried over up to there. */
int store_set_position(struct store *s, struct journal_mark m, struct err *e);
int store_end(struct store *s, int r, struct err *e);

/* Whoever is alive was lost at the last moment known. */
int store_lose_alive(struct store *s, struct err *e);
/* Removes what is beyond the limits, some rows at a time. 1: there may be
 * more, 0: no, -errno. */
int store_prune(struct store *s, uint64_t now_ms, struct err *e);

/* A prepared statement, reset; the ?s are bound by the caller. */
sqlite3_stmt *store_statement(struct store *s, enum store_statement which);
int store_fail(struct store *s, struct err *e);

/* Months since the year 0. */
uint32_t store_month(uint64_t ms);

/* Answers; text of the format of `q`. 0 or -errno. */
int store_history(struct store *s, const struct ledger_query *q,
		  struct textbuf *ret, struct err *e);
int store_totals(struct store *s, const struct ledger_query *q,
		 struct textbuf *ret, struct err *e);

#endif
