/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger: what is told comes out again, as rows and as totals; limits
 * take rows and leave totals; files that are not ours stay as they are.
 * test: timeout 60
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include "tests/unit/ledger_make.h"

static void test_a_life(void)
{
	struct ledger_query q = { .function = "f", .runs_max = 10 };
	struct ledger_birth b = {
		.id = id_of(1),
		.function = "f",
		.version = 3,
		.trigger = "http",
		.substrate = "kvm",
		.how = "copy",
		.memory_bytes = 1 << 20,
		.born_ms = 1795292789123,
	};
	struct ledger_start s = {
		.id = id_of(1),
		.queue_us = 7,
		.phase_us = { 1, 2, 3, 4, 5 },
		.total_us = 20,
		.ready_ms = 1795292789124,
	};
	json_t *rows, *row, *run;

	new_state_dir();
	open_ledger(NULL);
	ledger_birth(ledger, &b);
	ledger_started(ledger, &s);
	tell_run(1, "first", 200);
	tell_run(1, "second", 503);
	rows = ask_rows(false, &q);
	check_int(json_array_size(rows), 1);
	row = json_array_get(rows, 0);
	check(json_is_null(json_object_get(row, "reason")));
	check_int(int_of(row, "runs"), 2);
	json_decref(rows);

	tell_death(1, LEDGER_IDLE);
	tell_death(1, LEDGER_CRASH);
	rows = ask_rows(false, &q);
	row = json_array_get(rows, 0);
	check_str(text_of(row, "id"), id_of(1));
	check_str(text_of(row, "function"), "f");
	check_int(int_of(row, "version"), 3);
	check_str(text_of(row, "trigger"), "http");
	check_str(text_of(row, "how"), "copy");
	check_str(text_of(row, "born"), "2026-11-21T20:26:29.123Z");
	check_str(text_of(row, "ready"), "2026-11-21T20:26:29.124Z");
	check_int(int_of(row, "queue_us"), 7);
	check_int(int_of(row, "setup_us"), 1);
	check_int(int_of(row, "program_us"), 5);
	check_int(int_of(row, "start_us"), 20);
	check_str(text_of(row, "reason"), "idle");
	check_int(int_of(row, "cpu_us"), 800);
	check_int(int_of(row, "syscalls"), 17);
	check(json_number_value(json_object_get(row, "gb_seconds")) == 1.0);
	run = json_object_get(row, "requests");
	check_int(json_array_size(run), 2);
	run = json_array_get(run, 0);
	check_str(text_of(run, "request"), "second");
	check_int(int_of(run, "status"), 503);
	check_int(int_of(run, "duration_us"), 1500);
	json_decref(rows);
	close_ledger();
}

static void test_totals(void)
{
	struct ledger_query q = { .function = "f" };
	json_t *rows, *row;

	open_ledger(NULL);
	tell_run(99, "nobody's", 200);
	rows = ask_rows(true, &q);
	check_int(json_array_size(rows), 1);
	row = json_array_get(rows, 0);
	check_str(text_of(row, "month"), "2026-11");
	check_int(int_of(row, "instances"), 1);
	check_int(int_of(row, "invocations"), 2);
	check_int(int_of(row, "errors"), 1);
	check_int(int_of(row, "response_bytes"), 2000);
	check(json_number_value(json_object_get(row, "cpu_seconds")) == 0.0008);
	check(json_number_value(json_object_get(row, "gb_seconds")) == 1.0);
	check_int(int_of(json_object_get(row, "deaths"), "idle"), 1);
	json_decref(rows);
	q.since_ms = MONTH_MS + 40ull * 24 * 3600 * 1000;
	rows = ask_rows(true, &q);
	check_int(json_array_size(rows), 0);
	json_decref(rows);
	close_ledger();
}

static void test_the_lost(void)
{
	struct ledger_query q = { .reasons = 1u << LEDGER_LOST };
	json_t *rows, *row;

	new_state_dir();
	open_ledger(NULL);
	tell_birth("f", 1);
	tell_birth("f", 2);
	tell_death(2, LEDGER_USED);
	tell_run(1, "r", 200);
	tell_run(3000, "of nobody", 200);
	close_ledger();

	open_ledger(NULL);
	rows = ask_rows(false, &q);
	check_int(json_array_size(rows), 1);
	row = json_array_get(rows, 0);
	check_str(text_of(row, "id"), id_of(1));
	/* The last moment that is known is the run's that nobody had. */
	check_int(int_of(row, "run_us"), (3000 + 1 - 1) * 1000);
	check(text_of(row, "why") != NULL);
	json_decref(rows);
	check_int(total_of("instances"), 2);
	close_ledger();
}

/* ---- questions ----------------------------------------------------------- */

static void test_filters_and_pages(void)
{
	struct ledger_query q = { .function = "a", .limit = 3 };
	json_t *answer, *rows;
	int seen = 0;

	new_state_dir();
	open_ledger(NULL);
	for (unsigned i = 0; i < 20; i++) {
		tell_birth(i % 2 ? "a" : "b", i);
		tell_death(i, i % 4 == 1 ? LEDGER_CRASH : LEDGER_USED);
	}
	for (;;) {
		answer = ask(false, &q);
		rows = json_object_get(answer, "instances");
		check(json_array_size(rows) <= 3);
		seen += (int)json_array_size(rows);
		if (json_is_null(json_object_get(answer, "next")))
			break;
		q.before = (uint64_t)int_of(answer, "next");
		json_decref(answer);
	}
	json_decref(answer);
	check_int(seen, 10);

	q = (struct ledger_query){ .reasons = 1u << LEDGER_CRASH };
	rows = ask_rows(false, &q);
	check_int(json_array_size(rows), 5);
	json_decref(rows);
	q = (struct ledger_query){ .since_ms = MONTH_MS + 5,
				   .until_ms = MONTH_MS + 8 };
	rows = ask_rows(false, &q);
	check_int(json_array_size(rows), 3);
	json_decref(rows);
	q = (struct ledger_query){ 0 };
	memcpy(q.id, id_of(7), 9);
	rows = ask_rows(false, &q);
	check_int(json_array_size(rows), 1);
	check_str(text_of(json_array_get(rows, 0), "id"), id_of(7));
	json_decref(rows);
	close_ledger();
}

static void test_bad_id_is_refused(void)
{
	struct ledger_query q = { .id = "zerg" };
	struct waiting w;

	open_ledger(NULL);
	w = wait_for(false, &q);
	check_ptr(w.text, NULL);
	check_int(w.error.code, EINVAL);
	check_str(w.error.text, "an instance's id is hexadecimal");
	close_ledger();
}

static void test_cancelled_is_not_called(void)
{
	struct waiting w = { .call.done = on_done };
	struct ledger_query q = { 0 };

	open_ledger(NULL);
	check_int(ledger_history(ledger, &w.call, &q), 0);
	ledger_cancel(ledger, &w.call);
	ledger_cancel(ledger, &w.call);
	json_decref(ask(false, &q));
	check(!w.done);
	close_ledger();
}

static void test_too_many_questions(void)
{
	static struct waiting w[65];
	struct ledger_query q = { 0 };

	open_ledger(NULL);
	for (int i = 0; i < 64; i++) {
		w[i].call.done = on_done;
		check_int(ledger_history(ledger, &w[i].call, &q), 0);
	}
	check_int(ledger_history(ledger, &w[64].call, &q), -EBUSY);
	for (int i = 0; i < 64; i++) {
		while (!w[i].done)
			loop_once(loop, 1000);
		free(w[i].text);
	}
	json_decref(ask(false, &q));
	close_ledger();
}

static void test_hostile_text(void)
{
	struct ledger_query q = { .format = LEDGER_JSON, .runs_max = 5 };
	struct ledger_death d = { .id = id_of(1),
				  .reason = LEDGER_CRASH,
				  .signal = 11 };
	static char why[4000];
	struct waiting w;
	json_t *rows, *row;

	new_state_dir();
	open_ledger(NULL);
	memset(why, 'x', sizeof(why) - 1);
	memcpy(why, "\"a\",\x1b[2J\xff\n", 10);
	d.why = why;
	d.backtrace = "one\ntwo\n";
	tell_birth("f", 1);
	tell_run(1, "=1+1\",\x01", 200);
	ledger_death(ledger, &d);
	rows = ask_rows(false, &q);
	row = json_array_get(rows, 0);
	check(strncmp(text_of(row, "why"), "\"a\",\x1b[2J\xef\xbf\xbd\nx",
		      13) == 0);
	check_str(text_of(row, "backtrace"), "one\ntwo\n");
	row = json_array_get(json_object_get(row, "requests"), 0);
	check_str(text_of(row, "request"), "=1+1\",\x01");
	json_decref(rows);
	q.format = LEDGER_CSV;
	w = wait_for(false, &q);
	check(strncmp(w.text, "seq,id,function,version,", 24) == 0);
	check(strstr(w.text, ",crash,11,0,\"\"\"a\"\",\x1b[2J") != NULL);
	check(strstr(w.text, "\"one\ntwo\n\"") != NULL);
	check(strstr(w.text, "=1+1\"") != NULL);
	free(w.text);
	w = wait_for(true, &q);
	check(strncmp(w.text, "function,month,instances,", 25) == 0);
	check(strstr(w.text, "\nf,2026-11,") != NULL);
	free(w.text);
	close_ledger();
}

/* ---- limits -------------------------------------------------------------- */

static void test_pruning_keeps_totals(void)
{
	struct ledger_limits limits = { .instances_max = 500, .runs_max = 200 };
	struct ledger_query q = { .limit = LEDGER_LIMIT_MAX };
	json_t *rows;
	size_t left;

	new_state_dir();
	open_ledger(&limits);
	tell_birth("f", 900000);
	for (unsigned i = 0; i < 6000; i++) {
		tell_birth("f", i);
		tell_run(i, "r", 200);
		tell_death(i, LEDGER_USED);
		loop_once(loop, 0);
	}
	rows = ask_rows(false, &q);
	left = json_array_size(rows);
	/* Pruned every so many records. */
	check(left < 6000 && left >= 500);
	/* Who lives is not pruned. */
	check_str(text_of(json_array_get(rows, left - 1), "id"), id_of(900000));
	json_decref(rows);
	check_int(total_of("instances"), 6000);
	check_int(total_of("invocations"), 6000);
	close_ledger();
}

static void test_old_rows_go(void)
{
	struct ledger_limits limits = { .age_ms_max = 1000 };
	struct ledger_query q = { .limit = LEDGER_LIMIT_MAX };
	json_t *rows;

	new_state_dir();
	open_ledger(&limits);
	for (unsigned i = 0; i < 3000; i++) {
		tell_birth("f", i);
		tell_death(i, LEDGER_USED);
	}
	rows = ask_rows(false, &q);
	check(json_array_size(rows) < 3000);
	json_decref(rows);
	check_int(total_of("instances"), 3000);
	close_ledger();
}

/* The metrics may go before the ledger. */
static void check_metrics(void)
{
	struct metrics *m;
	char *text;

	check_int(metrics_new(&m), 0);
	ledger_set_metrics(ledger, m);
	text = metrics_render(m, NULL);
	check(strstr(text, "\nmayfly_ledger_records_total 50025\n"));
	check(strstr(text, "\nmayfly_ledger_failing 0\n"));
	free(text);
	metrics_free(m);
}

static void test_many_records(void)
{
	struct ledger_facts f;

	new_state_dir();
	open_ledger(NULL);
	for (unsigned i = 0; i < 50000; i++) {
		if (i % 2000 == 0)
			tell_birth("f", i / 2000);
		tell_run(i / 2000, "request", i % 10 ? 200 : 500);
		if (i % 50 == 0)
			loop_once(loop, 0);
	}
	check_int(total_of("invocations"), 50000);
	check_int(total_of("errors"), 5000);
	ledger_facts(ledger, &f);
	check_int(f.records, 50025);
	check_int(f.imported, 50025);
	check_int(f.dropped, 0);
	check_int(f.journal_bytes, 0);
	check_metrics();
	close_ledger();
}

static void limit_files(rlim_t bytes)
{
	struct rlimit r;

	getrlimit(RLIMIT_FSIZE, &r);
	r.rlim_cur = bytes ? bytes : r.rlim_max;
	check_int(setrlimit(RLIMIT_FSIZE, &r), 0);
}

static void test_full_disk(void)
{
	struct ledger_query q = { 0 };
	struct ledger_facts f;

	new_state_dir();
	open_ledger(NULL);
	tell_birth("f", 1);
	json_decref(ask(false, &q));
	limit_files(100000);
	for (unsigned i = 0; i < 5000; i++) {
		tell_run(1, "r", 200);
		if (i % 100 == 0)
			loop_once(loop, 0);
	}
	ledger_flush(ledger);
	ledger_facts(ledger, &f);
	check(f.failing);
	check_int(f.dropped, 0);
	/* Questions are answered all the same. */
	json_decref(ask(false, &q));
	limit_files(0);
	ledger_flush(ledger);
	check_int(total_of("invocations"), 5000);
	ledger_facts(ledger, &f);
	check(!f.failing);
	check_int(f.imported, 5001);
	close_ledger();
}

static void test_no_room_at_all(void)
{
	struct ledger_limits limits = { .memory_bytes_max = 100000 };
	struct ledger_facts f;

	new_state_dir();
	open_ledger(&limits);
	limit_files(1);
	tell_birth("f", 1);
	for (unsigned i = 0; i < 5000; i++)
		tell_run(1, "r", 200);
	ledger_flush(ledger);
	limit_files(0);
	ledger_flush(ledger);
	ledger_facts(ledger, &f);
	check(f.dropped > 0 && f.dropped < 5000);
	check_int(total_of("invocations"), 5000 - f.dropped);
	close_ledger();
}

/* ---- files that are not ours --------------------------------------------- */

static void put_file(const char *name, const void *bytes, size_t len, off_t at)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", state_dir, name);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	check(fd >= 0);
	check_int(pwrite(fd, bytes, len, at), len);
	close(fd);
}

static void check_refused(const char *words)
{
	struct err e = { .text = "" };
	int r = ledger_open(&ledger, state_dir, loop, NULL, &e);

	check(r < 0);
	if (!strstr(e.text, words))
		check_str(e.text, words);
}

static void test_damaged(void)
{
	static const char zeros[8192];

	new_state_dir();
	put_file("ledger.db", "rubbish", 7, 0);
	check_refused("ledger.db is damaged (it is no database); put a backup");

	new_state_dir();
	open_ledger(NULL);
	for (unsigned i = 0; i < 1000; i++)
		tell_birth("f", i);
	close_ledger();
	put_file("ledger.db", zeros, sizeof(zeros), 12288);
	check_refused("or move it away to begin without the totals so far");
	check_refused("ledger.db is damaged (");
}

static void test_of_somebody_else(void)
{
	char path[128];
	sqlite3 *db;

	new_state_dir();
	snprintf(path, sizeof(path), "%s/ledger.db", state_dir);
	check_int(sqlite3_open(path, &db), SQLITE_OK);
	check_int(sqlite3_exec(db, "CREATE TABLE t (a)", NULL, NULL, NULL), 0);
	sqlite3_close(db);
	check_refused("is another program's database");

	new_state_dir();
	open_ledger(NULL);
	close_ledger();
	snprintf(path, sizeof(path), "%s/ledger.db", state_dir);
	check_int(sqlite3_open(path, &db), SQLITE_OK);
	check_int(sqlite3_exec(db, "PRAGMA user_version = 9", NULL, NULL, NULL),
		  0);
	sqlite3_close(db);
	check_refused("has version 9 of its format");
}

static void test_reasons(void)
{
	check_str(ledger_reason_word(LEDGER_OUT_OF_MEMORY), "out-of-memory");
	check_ptr(ledger_reason_word(LEDGER_NO_REASON), NULL);
	check_int(ledger_reason_find("lost"), LEDGER_LOST);
	check_int(ledger_reason_find("boredom"), LEDGER_NO_REASON);
}

int main(void)
{
	begin_ledger_tests();
	RUN(test_a_life);
	RUN(test_totals);
	RUN(test_the_lost);
	RUN(test_filters_and_pages);
	RUN(test_bad_id_is_refused);
	RUN(test_cancelled_is_not_called);
	RUN(test_too_many_questions);
	RUN(test_hostile_text);
	RUN(test_pruning_keeps_totals);
	RUN(test_old_rows_go);
	RUN(test_many_records);
	RUN(test_full_disk);
	RUN(test_no_room_at_all);
	RUN(test_damaged);
	RUN(test_of_somebody_else);
	RUN(test_reasons);
	loop_free(loop);
	return check_done();
}
