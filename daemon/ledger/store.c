/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records become rows. A row of an instance is made by its birth, and dies
 * once: what is told of an instance that has no row, or is dead, changes
 * nothing, but for its requests, which count.
 */
#include "daemon/ledger/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/db_file.h"
#include "host/cleanup.h"

#define CHECK_BYTES_MAX (32u << 20)
#define PRUNE_ROWS	"2000" /* at a time */

static const struct db_format format = {
	.without = "without the totals so far",
	.application_id = 0x4d666c67u, /* Mflg */
	.version = 1,
	.check_bytes_max = CHECK_BYTES_MAX,
	.schema =
		"BEGIN;"
		"CREATE TABLE instances (seq INTEGER PRIMARY KEY AUTOINCREMENT,"
		" id BLOB NOT NULL UNIQUE, function TEXT NOT NULL,"
		" version INTEGER NOT NULL, trigger TEXT NOT NULL,"
		" substrate TEXT NOT NULL, how TEXT NOT NULL,"
		" memory_bytes INTEGER NOT NULL, born_ms INTEGER NOT NULL,"
		" ready_ms INTEGER, queue_us INTEGER, setup_us INTEGER,"
		" vm_us INTEGER, jail_us INTEGER, boot_us INTEGER,"
		" program_us INTEGER, start_us INTEGER, died_ms INTEGER,"
		" reason INTEGER, signal INTEGER, status INTEGER, why TEXT,"
		" backtrace TEXT, cpu_us INTEGER, run_us INTEGER,"
		" mem_peak_bytes INTEGER, bytes_in INTEGER, bytes_out INTEGER,"
		" syscalls INTEGER, runs INTEGER NOT NULL DEFAULT 0);"
		"CREATE INDEX instances_function ON instances (function, seq);"
		"CREATE INDEX instances_alive ON instances (seq)"
		" WHERE died_ms IS NULL;"
		"CREATE TABLE runs (seq INTEGER PRIMARY KEY AUTOINCREMENT,"
		" instance INTEGER NOT NULL REFERENCES instances"
		" ON DELETE CASCADE,"
		" request TEXT NOT NULL, trigger TEXT NOT NULL,"
		" arrived_ms INTEGER NOT NULL, queue_us INTEGER NOT NULL,"
		" duration_us INTEGER NOT NULL, status INTEGER NOT NULL,"
		" bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL);"
		"CREATE INDEX runs_instance ON runs (instance, seq);"
		"CREATE TABLE totals (function TEXT NOT NULL,"
		" month INTEGER NOT NULL,"
		" invocations INTEGER NOT NULL DEFAULT 0,"
		" errors INTEGER NOT NULL DEFAULT 0,"
		" unanswered INTEGER NOT NULL DEFAULT 0,"
		" request_bytes INTEGER NOT NULL DEFAULT 0,"
		" response_bytes INTEGER NOT NULL DEFAULT 0,"
		" instances INTEGER NOT NULL DEFAULT 0,"
		" cpu_us INTEGER NOT NULL DEFAULT 0,"
		" run_us INTEGER NOT NULL DEFAULT 0,"
		" gb_seconds REAL NOT NULL DEFAULT 0,"
		" bytes_in INTEGER NOT NULL DEFAULT 0,"
		" bytes_out INTEGER NOT NULL DEFAULT 0,"
		" syscalls INTEGER NOT NULL DEFAULT 0,"
		" PRIMARY KEY (function, month)) WITHOUT ROWID;"
		"CREATE TABLE deaths (function TEXT NOT NULL,"
		" month INTEGER NOT NULL, reason INTEGER NOT NULL,"
		" count INTEGER NOT NULL,"
		" PRIMARY KEY (function, month, reason)) WITHOUT ROWID;"
		"CREATE TABLE position (one INTEGER PRIMARY KEY"
		" CHECK (one = 1), segment INTEGER NOT NULL,"
		" byte INTEGER NOT NULL, last_ms INTEGER NOT NULL);"
		"INSERT INTO position VALUES (1, 0, 0, 0);"
		"COMMIT;",
};

static const char *const sql[STORE_STATEMENTS] = {
	[STORE_BEGIN] = "BEGIN IMMEDIATE",
	[STORE_COMMIT] = "COMMIT",
	[STORE_ROLLBACK] = "ROLLBACK",
	[STORE_FIND] = "SELECT seq, function, died_ms IS NULL,"
		       " ifnull(ready_ms, born_ms)"
		       " FROM instances WHERE id = ?1",
	[STORE_BIRTH] = "INSERT OR IGNORE INTO instances (id, born_ms,"
			" version, memory_bytes, function, trigger,"
			" substrate, how)"
			" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[STORE_START] = "UPDATE instances SET ready_ms = ?2, queue_us = ?3,"
			" setup_us = ?4, vm_us = ?5, jail_us = ?6,"
			" boot_us = ?7, program_us = ?8, start_us = ?9"
			" WHERE id = ?1",
	[STORE_RUN] = "INSERT INTO runs (instance, arrived_ms, queue_us,"
		      " duration_us, status, bytes_in, bytes_out, request,"
		      " trigger) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[STORE_RAN] = "UPDATE instances SET runs = runs + 1 WHERE seq = ?1",
	[STORE_DEATH] = "UPDATE instances SET died_ms = ?2, reason = ?3,"
			" signal = ?4, status = ?5, cpu_us = ?6, run_us = ?7,"
			" mem_peak_bytes = ?8, bytes_in = ?9,"
			" bytes_out = ?10, syscalls = ?11,"
			" why = nullif(?12, ''), backtrace = nullif(?13, '')"
			" WHERE id = ?1",
	[STORE_TOTAL_RUN] =
		"INSERT INTO totals (function, month, invocations, errors,"
		" unanswered, request_bytes, response_bytes)"
		" VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6)"
		" ON CONFLICT DO UPDATE SET invocations = invocations + 1,"
		" errors = errors + ?3, unanswered = unanswered + ?4,"
		" request_bytes = request_bytes + ?5,"
		" response_bytes = response_bytes + ?6",
	[STORE_TOTAL_DEATH] =
		"INSERT INTO totals (function, month, instances, cpu_us,"
		" run_us, gb_seconds, bytes_in, bytes_out, syscalls)"
		" VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8)"
		" ON CONFLICT DO UPDATE SET instances = instances + 1,"
		" cpu_us = cpu_us + ?3, run_us = run_us + ?4,"
		" gb_seconds = gb_seconds + ?5, bytes_in = bytes_in + ?6,"
		" bytes_out = bytes_out + ?7, syscalls = syscalls + ?8",
	[STORE_COUNT_DEATH] = "INSERT INTO deaths VALUES (?1, ?2, ?3, 1)"
			      " ON CONFLICT DO UPDATE SET count = count + 1",
	[STORE_ALIVE] = "SELECT id FROM instances WHERE died_ms IS NULL"
			" LIMIT 1",
	[STORE_POSITION] = "UPDATE position SET segment = ?1, byte = ?2,"
			   " last_ms = ?3",
	[STORE_OLD_INSTANCES] =
		"DELETE FROM instances WHERE died_ms IS NOT NULL AND seq IN"
		" (SELECT seq FROM instances WHERE seq <="
		" (SELECT max(seq) FROM instances) - ?1"
		" ORDER BY seq LIMIT " PRUNE_ROWS ")",
	[STORE_OLD_ROWS] = "DELETE FROM instances WHERE died_ms < ?1 AND seq IN"
			   " (SELECT seq FROM instances"
			   " ORDER BY seq LIMIT " PRUNE_ROWS ")",
	[STORE_OLD_RUNS] = "DELETE FROM runs WHERE seq IN"
			   " (SELECT seq FROM runs WHERE seq <="
			   " (SELECT max(seq) FROM runs) - ?1"
			   " ORDER BY seq LIMIT " PRUNE_ROWS ")",
	[STORE_OLD_MONTHS] = "DELETE FROM totals WHERE month <= ?1",
	[STORE_OLD_DEATHS] = "DELETE FROM deaths WHERE month <= ?1",
};

int store_fail(struct store *s, struct err *e)
{
	int code = sqlite3_errcode(s->db) & 0xff;
	bool damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;

	return err_set(e,
		       damaged		    ? EUCLEAN :
		       code == SQLITE_FULL  ? ENOSPC :
		       code == SQLITE_NOMEM ? ENOMEM :
					      EIO,
		       "%s: %s%s", "cannot write the ledger",
		       sqlite3_errmsg(s->db),
		       damaged ? "; stop mayflyd and put a backup of "
				 "ledger.db in its place" :
				 "");
}

sqlite3_stmt *store_statement(struct store *s, enum store_statement which)
{
	sqlite3_stmt *st = s->statements[which];

	sqlite3_reset(st);
	return st;
}

static int step(struct store *s, sqlite3_stmt *st, struct err *e)
{
	int r = sqlite3_step(st);

	if (r == SQLITE_DONE || r == SQLITE_ROW)
		return r == SQLITE_ROW;
	r = store_fail(s, e);
	sqlite3_reset(st);
	return r;
}

/* A statement without rows. */
static int finish(struct store *s, sqlite3_stmt *st, struct err *e)
{
	int r = step(s, st, e);

	sqlite3_reset(st);
	return r < 0 ? r : 0;
}

/* ---- opening ------------------------------------------------------------- */

static void set_limits(struct store *s, const struct ledger_limits *given)
{
	struct ledger_limits *l = &s->limits;

	if (given)
		*l = *given;
	if (!l->instances_max)
		l->instances_max = 500000;
	if (!l->runs_max)
		l->runs_max = 1000000;
	if (!l->age_ms_max)
		l->age_ms_max = 90ull * 24 * 3600 * 1000;
	if (!l->months_max)
		l->months_max = 60;
}

static int prepare(struct store *s, struct err *e)
{
	for (int i = 0; i < STORE_STATEMENTS; i++)
		if (sqlite3_prepare_v3(s->db, sql[i], -1,
				       SQLITE_PREPARE_PERSISTENT,
				       &s->statements[i], NULL) != SQLITE_OK)
			return store_fail(s, e);
	return 0;
}

static int read_position(struct store *s, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int r = -EIO;

	if (sqlite3_prepare_v2(s->db,
			       "SELECT segment, byte, last_ms FROM position",
			       -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW) {
		s->position.segment = (uint32_t)sqlite3_column_int64(st, 0);
		s->position.offset = (uint32_t)sqlite3_column_int64(st, 1);
		s->last_ms = (uint64_t)sqlite3_column_int64(st, 2);
		r = 0;
	} else {
		store_fail(s, e);
	}
	sqlite3_finalize(st);
	return r;
}

int store_open(struct store *s, const char *state_dir,
	       const struct ledger_limits *limits, struct err *e)
{
	AUTO_FREE char *path = NULL;
	int r;

	*s = (struct store){ 0 };
	set_limits(s, limits);
	if (asprintf(&path, "%s/ledger.db", state_dir) < 0) {
		path = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	r = db_file_open(&s->db, path, &format, e);
	if (r == 0)
		r = read_position(s, e);
	if (r == 0)
		r = prepare(s, e);
	if (r < 0)
		store_close(s);
	return r;
}

void store_close(struct store *s)
{
	for (int i = 0; i < STORE_STATEMENTS; i++)
		sqlite3_finalize(s->statements[i]);
	db_file_close(s->db);
	*s = (struct store){ 0 };
}

/* ---- records ------------------------------------------------------------- */

int store_begin(struct store *s, struct err *e)
{
	return finish(s, store_statement(s, STORE_BEGIN), e);
}

int store_end(struct store *s, int r, struct err *e)
{
	if (r == 0)
		r = finish(s, store_statement(s, STORE_COMMIT), e);
	if (r < 0 && !sqlite3_get_autocommit(s->db))
		finish(s, store_statement(s, STORE_ROLLBACK), NULL);
	return r;
}

int store_set_position(struct store *s, struct journal_mark m, struct err *e)
{
	sqlite3_stmt *st = store_statement(s, STORE_POSITION);

	sqlite3_bind_int64(st, 1, m.segment);
	sqlite3_bind_int64(st, 2, m.offset);
	sqlite3_bind_int64(st, 3, (int64_t)s->last_ms);
	return finish(s, st, e);
}

uint32_t store_month(uint64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	if (!gmtime_r(&t, &tm) || tm.tm_year > 100000)
		return 0;
	return (uint32_t)(tm.tm_year + 1900) * 12 + (uint32_t)tm.tm_mon;
}

/* The ?s of a record: id, moment, numbers, texts, from `first` on. */
static sqlite3_stmt *bound(struct store *s, enum store_statement which,
			   const struct record *r)
{
	sqlite3_stmt *st = store_statement(s, which);
	int at = 3;

	sqlite3_bind_blob(st, 1, r->id, sizeof(r->id), SQLITE_TRANSIENT);
	sqlite3_bind_int64(st, 2, (int64_t)r->at_ms);
	for (unsigned i = 0; i < record_nums(r->kind); i++)
		sqlite3_bind_int64(st, at++, (int64_t)r->num[i]);
	for (unsigned i = 0; i < record_texts(r->kind); i++)
		sqlite3_bind_text(st, at++, r->text[i] ? r->text[i] : "", -1,
				  SQLITE_TRANSIENT);
	return st;
}

/* The row of an instance, as far as it matters here. */
struct row {
	int64_t seq;
	char function[LEDGER_NAME_MAX + 1];
	bool alive;
	uint64_t began_ms;
};

/* 1: found, 0: there is none. */
static int find(struct store *s, const struct record *r, struct row *ret,
		struct err *e)
{
	sqlite3_stmt *st = store_statement(s, STORE_FIND);
	int found;

	sqlite3_bind_blob(st, 1, r->id, sizeof(r->id), SQLITE_TRANSIENT);
	found = step(s, st, e);
	if (found == 1) {
		ret->seq = sqlite3_column_int64(st, 0);
		snprintf(ret->function, sizeof(ret->function), "%s",
			 (const char *)sqlite3_column_text(st, 1));
		ret->alive = sqlite3_column_int(st, 2);
		ret->began_ms = (uint64_t)sqlite3_column_int64(st, 3);
	}
	sqlite3_reset(st);
	return found;
}

static int run(struct store *s, const struct record *r, struct err *e)
{
	uint64_t status = r->num[RUN_STATUS];
	struct row row = { 0 };
	sqlite3_stmt *st;
	int error = find(s, r, &row, e);

	if (error <= 0)
		return error;
	st = bound(s, STORE_RUN, r);
	sqlite3_bind_int64(st, 1, row.seq);
	error = finish(s, st, e);
	st = store_statement(s, STORE_RAN);
	sqlite3_bind_int64(st, 1, row.seq);
	if (error == 0)
		error = finish(s, st, e);
	st = store_statement(s, STORE_TOTAL_RUN);
	sqlite3_bind_text(st, 1, row.function, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(st, 2, store_month(r->at_ms));
	sqlite3_bind_int64(st, 3, status >= 500);
	sqlite3_bind_int64(st, 4, status == 0);
	sqlite3_bind_int64(st, 5, (int64_t)r->num[RUN_IN]);
	sqlite3_bind_int64(st, 6, (int64_t)r->num[RUN_OUT]);
	return error < 0 ? error : finish(s, st, e);
}

static int count_death(struct store *s, const struct record *r,
		       const char *function, struct err *e)
{
	sqlite3_stmt *st = store_statement(s, STORE_TOTAL_DEATH);
	double gb_s = (double)r->num[DEATH_MEM_PEAK] / 1e9 *
		      ((double)r->num[DEATH_RUN] / 1e6);
	uint32_t month = store_month(r->at_ms);
	int error;

	sqlite3_bind_text(st, 1, function, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(st, 2, month);
	sqlite3_bind_int64(st, 3, (int64_t)r->num[DEATH_CPU]);
	sqlite3_bind_int64(st, 4, (int64_t)r->num[DEATH_RUN]);
	sqlite3_bind_double(st, 5, gb_s);
	sqlite3_bind_int64(st, 6, (int64_t)r->num[DEATH_IN]);
	sqlite3_bind_int64(st, 7, (int64_t)r->num[DEATH_OUT]);
	sqlite3_bind_int64(st, 8, (int64_t)r->num[DEATH_SYSCALLS]);
	error = finish(s, st, e);
	st = store_statement(s, STORE_COUNT_DEATH);
	sqlite3_bind_text(st, 1, function, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(st, 2, month);
	sqlite3_bind_int64(st, 3, (int64_t)r->num[DEATH_REASON]);
	return error < 0 ? error : finish(s, st, e);
}

static int death(struct store *s, const struct record *r, struct err *e)
{
	struct row row = { 0 };
	int error = find(s, r, &row, e);

	if (error <= 0 || !row.alive)
		return error < 0 ? error : 0;
	error = finish(s, bound(s, STORE_DEATH, r), e);
	return error < 0 ? error : count_death(s, r, row.function, e);
}

int store_record(struct store *s, const struct record *r, struct err *e)
{
	uint64_t end_ms = r->at_ms;

	if (r->kind == RECORD_RUN)
		end_ms += r->num[RUN_DURATION] / 1000;
	if (end_ms > s->last_ms)
		s->last_ms = end_ms;
	s->since_prune++;
	switch (r->kind) {
	case RECORD_BIRTH:
		return finish(s, bound(s, STORE_BIRTH, r), e);
	case RECORD_START:
		return finish(s, bound(s, STORE_START, r), e);
	case RECORD_RUN:
		return run(s, r, e);
	case RECORD_DEATH:
		return death(s, r, e);
	}
	return 0;
}

/* ---- the lost ------------------------------------------------------------ */

static int lose_one(struct store *s, const uint8_t *id, struct err *e)
{
	struct record r = {
		.kind = RECORD_DEATH,
		.num[DEATH_REASON] = LEDGER_LOST,
		.text[DEATH_WHY] = "mayflyd ended without a word, and the "
				   "instance with it",
	};
	struct row row = { 0 };
	int error;

	memcpy(r.id, id, sizeof(r.id));
	error = find(s, &r, &row, e);
	if (error < 0)
		return error;
	if (error == 0)
		return err_set(
			e, EUCLEAN,
			"ledger.db is damaged (a row is not found by its "
			"id); put a backup in its place");
	r.at_ms = s->last_ms > row.began_ms ? s->last_ms : row.began_ms;
	r.num[DEATH_RUN] = (r.at_ms - row.began_ms) * 1000;
	return death(s, &r, e);
}

int store_lose_alive(struct store *s, struct err *e)
{
	uint8_t id[RECORD_ID_SIZE];
	sqlite3_stmt *st;
	int r = store_begin(s, e);

	while (r == 0) {
		st = store_statement(s, STORE_ALIVE);
		r = step(s, st, e);
		if (r <= 0)
			break;
		memset(id, 0, sizeof(id));
		if (sqlite3_column_bytes(st, 0) == (int)sizeof(id))
			memcpy(id, sqlite3_column_blob(st, 0), sizeof(id));
		sqlite3_reset(st);
		r = lose_one(s, id, e);
	}
	sqlite3_reset(s->statements[STORE_ALIVE]);
	return store_end(s, r, e);
}

/* ---- pruning ------------------------------------------------------------- */

/* How many rows went, or -errno. */
static int drop(struct store *s, enum store_statement which, int64_t what,
		struct err *e)
{
	sqlite3_stmt *st = store_statement(s, which);
	int r;

	sqlite3_bind_int64(st, 1, what);
	r = finish(s, st, e);
	return r < 0 ? r : sqlite3_changes(s->db);
}

int store_prune(struct store *s, uint64_t now_ms, struct err *e)
{
	const struct ledger_limits *l = &s->limits;
	int64_t age = (int64_t)now_ms - (int64_t)l->age_ms_max;
	int64_t month = (int64_t)store_month(now_ms) - l->months_max;
	struct {
		enum store_statement which;
		int64_t what;
	} drops[] = {
		{ STORE_OLD_RUNS, (int64_t)l->runs_max },
		{ STORE_OLD_INSTANCES, (int64_t)l->instances_max },
		{ STORE_OLD_ROWS, age },
		{ STORE_OLD_MONTHS, month },
		{ STORE_OLD_DEATHS, month },
	};
	int dropped = 0, r = store_begin(s, e);

	for (size_t i = 0; i < sizeof(drops) / sizeof(drops[0]) && r >= 0;
	     i++) {
		r = drop(s, drops[i].which, drops[i].what, e);
		dropped += r > 0 ? r : 0;
	}
	r = store_end(s, r < 0 ? r : 0, e);
	return r < 0 ? r : dropped > 0;
}
