/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to the ledger. A table of columns says what is selected and how
 * it is written, as JSON and as CSV, so that both have the same names. A
 * question's SQL is put together from constants; what was asked for is bound.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/ledger/store.h"
#include "host/cleanup.h"

#define LIMIT_DEFAULT	100u
#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define MONTHS_PER_YEAR 12
#define PARAMS_MAX	8

enum column_type { INT, REAL, TEXT, HEX, TIME, MONTH, REASON };

struct column {
	const char *name;
	const char *sql; /* NULL: the name */
	enum column_type type;
};

static const struct column instance_columns[] = {
	{ "seq", NULL, INT },
	{ "id", NULL, HEX },
	{ "function", NULL, TEXT },
	{ "version", NULL, INT },
	{ "trigger", NULL, TEXT },
	{ "substrate", NULL, TEXT },
	{ "how", NULL, TEXT },
	{ "memory_bytes", NULL, INT },
	{ "born", "born_ms", TIME },
	{ "ready", "ready_ms", TIME },
	{ "queue_us", NULL, INT },
	{ "setup_us", NULL, INT },
	{ "vm_us", NULL, INT },
	{ "jail_us", NULL, INT },
	{ "boot_us", NULL, INT },
	{ "program_us", NULL, INT },
	{ "start_us", NULL, INT },
	{ "died", "died_ms", TIME },
	{ "reason", NULL, REASON },
	{ "signal", NULL, INT },
	{ "status", NULL, INT },
	{ "why", NULL, TEXT },
	{ "backtrace", NULL, TEXT },
	{ "cpu_us", NULL, INT },
	{ "run_us", NULL, INT },
	{ "mem_peak_bytes", NULL, INT },
	{ "gb_seconds", "mem_peak_bytes / 1e9 * (run_us / 1e6)", REAL },
	{ "bytes_in", NULL, INT },
	{ "bytes_out", NULL, INT },
	{ "syscalls", NULL, INT },
	{ "runs", NULL, INT },
};
#define SEQ_COLUMN 0

static const struct column run_columns[] = {
	{ "request", NULL, TEXT },	   { "trigger", NULL, TEXT },
	{ "arrived", "arrived_ms", TIME }, { "queue_us", NULL, INT },
	{ "duration_us", NULL, INT },	   { "status", NULL, INT },
	{ "bytes_in", NULL, INT },	   { "bytes_out", NULL, INT },
};

static const struct column total_columns[] = {
	{ "function", NULL, TEXT },
	{ "month", NULL, MONTH },
	{ "instances", NULL, INT },
	{ "invocations", NULL, INT },
	{ "errors", NULL, INT },
	{ "unanswered", NULL, INT },
	{ "cpu_seconds", "cpu_us / 1e6", REAL },
	{ "run_seconds", "run_us / 1e6", REAL },
	{ "gb_seconds", NULL, REAL },
	{ "request_bytes", NULL, INT },
	{ "response_bytes", NULL, INT },
	{ "bytes_in", NULL, INT },
	{ "bytes_out", NULL, INT },
	{ "syscalls", NULL, INT },
};

/* ---- SQL with what it is asked for --------------------------------------- */

struct question {
	struct textbuf sql;
	int count;
	struct {
		const char *text; /* NULL: the number */
		const void *blob; /* of RECORD_ID_SIZE, or NULL */
		int64_t number;
	} params[PARAMS_MAX];
};

static void param_number(struct question *q, uint64_t number)
{
	q->params[q->count++].number = number > INT64_MAX ? INT64_MAX :
							    (int64_t)number;
}

static void select_columns(struct question *q, const struct column *columns,
			   size_t count)
{
	textbuf_text(&q->sql, "SELECT ");
	for (size_t i = 0; i < count; i++)
		textbuf_printf(&q->sql, "%s%s", i ? ", " : "",
			       columns[i].sql ? columns[i].sql :
						columns[i].name);
}

/* `condition` has one ?. */
static void and_number(struct question *q, const char *condition,
		       uint64_t number)
{
	textbuf_printf(&q->sql, " AND %s", condition);
	param_number(q, number);
}

static void and_function(struct question *q, const char *function)
{
	if (!function[0])
		return;
	textbuf_text(&q->sql, " AND function = ?");
	q->params[q->count++].text = function;
}

static int prepare(struct store *s, struct question *q, sqlite3_stmt **ret,
		   struct err *e)
{
	int r = 0;

	if (q->sql.failed)
		return err_set(e, ENOMEM, "out of memory");
	if (sqlite3_prepare_v2(s->db, q->sql.data, -1, ret, NULL) != SQLITE_OK)
		return store_fail(s, e);
	for (int i = 0; i < q->count && r == SQLITE_OK; i++) {
		if (q->params[i].text)
			r = sqlite3_bind_text(*ret, i + 1, q->params[i].text,
					      -1, SQLITE_STATIC);
		else if (q->params[i].blob)
			r = sqlite3_bind_blob(*ret, i + 1, q->params[i].blob,
					      RECORD_ID_SIZE, SQLITE_STATIC);
		else
			r = sqlite3_bind_int64(*ret, i + 1,
					       q->params[i].number);
	}
	return r == SQLITE_OK ? 0 : store_fail(s, e);
}

static void finalize(sqlite3_stmt *const *st)
{
	sqlite3_finalize(*st);
}
#define AUTO_STMT __attribute__((cleanup(finalize)))

/* ---- writing ------------------------------------------------------------- */

static void put_hex(struct textbuf *b, sqlite3_stmt *st, int at)
{
	const uint8_t *p = sqlite3_column_blob(st, at);

	for (int i = 0; i < sqlite3_column_bytes(st, at); i++)
		textbuf_printf(b, "%02x", p[i]);
}

/* A value without quotes; text as it is. */
static void put_value(struct textbuf *b, sqlite3_stmt *st, int at,
		      enum column_type type)
{
	int64_t n;

	switch (type) {
	case INT:
		textbuf_printf(b, "%lld",
			       (long long)sqlite3_column_int64(st, at));
		break;
	case REAL:
		textbuf_printf(b, "%.15g", sqlite3_column_double(st, at));
		break;
	case TEXT:
		textbuf_bytes(b, sqlite3_column_text(st, at),
			      (size_t)sqlite3_column_bytes(st, at));
		break;
	case HEX:
		put_hex(b, st, at);
		break;
	case TIME:
		textbuf_time(b, (uint64_t)sqlite3_column_int64(st, at));
		break;
	case MONTH:
		n = sqlite3_column_int64(st, at);
		textbuf_printf(b, "%04d-%02d", (int)(n / MONTHS_PER_YEAR),
			       (int)(n % MONTHS_PER_YEAR) + 1);
		break;
	case REASON:
		n = sqlite3_column_int64(st, at);
		if (n > 0 && n < LEDGER_REASON_COUNT)
			textbuf_text(b,
				     ledger_reason_word((enum ledger_reason)n));
		break;
	}
}

static void json_value(struct textbuf *b, sqlite3_stmt *st, int at,
		       enum column_type type)
{
	if (sqlite3_column_type(st, at) == SQLITE_NULL) {
		textbuf_text(b, "null");
	} else if (type == TEXT) {
		textbuf_json(b, sqlite3_column_text(st, at),
			     (size_t)sqlite3_column_bytes(st, at));
	} else if (type == INT || type == REAL) {
		put_value(b, st, at, type);
	} else {
		textbuf_text(b, "\"");
		put_value(b, st, at, type);
		textbuf_text(b, "\"");
	}
}

/* Members of an object, the braces are the caller's. */
static void json_members(struct textbuf *b, sqlite3_stmt *st,
			 const struct column *columns, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		textbuf_printf(b, "%s\"%s\":", i ? "," : "", columns[i].name);
		json_value(b, st, (int)i, columns[i].type);
	}
}

/* RFC 4180, but for the end of a line. */
static void csv_field(struct textbuf *b, const char *text, size_t len)
{
	size_t from = 0;

	if (!memchr(text, '"', len) && !memchr(text, ',', len) &&
	    !memchr(text, '\n', len) && !memchr(text, '\r', len)) {
		textbuf_bytes(b, text, len);
		return;
	}
	textbuf_text(b, "\"");
	for (size_t i = 0; i < len; i++) {
		if (text[i] != '"')
			continue;
		textbuf_bytes(b, text + from, i + 1 - from);
		textbuf_text(b, "\"");
		from = i + 1;
	}
	textbuf_bytes(b, text + from, len - from);
	textbuf_text(b, "\"");
}

static void csv_row(struct textbuf *b, sqlite3_stmt *st,
		    const struct column *columns, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i)
			textbuf_text(b, ",");
		if (sqlite3_column_type(st, (int)i) == SQLITE_NULL)
			continue;
		if (columns[i].type == TEXT)
			csv_field(b,
				  (const char *)sqlite3_column_text(st, (int)i),
				  (size_t)sqlite3_column_bytes(st, (int)i));
		else
			put_value(b, st, (int)i, columns[i].type);
	}
}

static void csv_head(struct textbuf *b, const struct column *columns,
		     size_t count)
{
	for (size_t i = 0; i < count; i++)
		textbuf_printf(b, "%s%s", i ? "," : "", columns[i].name);
}

/* ---- history ------------------------------------------------------------- */

/* The first or the last id that begins like this. */
static void id_bound(uint8_t ret[RECORD_ID_SIZE], const char *prefix, char fill)
{
	char hex[LEDGER_ID_LEN + 1];

	memset(hex, fill, LEDGER_ID_LEN);
	hex[LEDGER_ID_LEN] = '\0';
	memcpy(hex, prefix, strnlen(prefix, LEDGER_ID_LEN));
	record_id(ret, hex);
}

static bool is_hex(const char *text)
{
	return text[strspn(text, "0123456789abcdef")] == '\0';
}

static void history_question(struct question *a, const struct ledger_query *q,
			     uint8_t ids[2][RECORD_ID_SIZE])
{
	uint32_t limit = q->limit ? q->limit : LIMIT_DEFAULT;

	select_columns(a, instance_columns, COUNT(instance_columns));
	textbuf_text(&a->sql, " FROM instances WHERE 1");
	and_function(a, q->function);
	if (q->id[0]) {
		id_bound(ids[0], q->id, '0');
		id_bound(ids[1], q->id, 'f');
		textbuf_text(&a->sql, " AND id BETWEEN ? AND ?");
		a->params[a->count++].blob = ids[0];
		a->params[a->count++].blob = ids[1];
	}
	if (q->since_ms)
		and_number(a, "born_ms >= ?", q->since_ms);
	if (q->until_ms)
		and_number(a, "born_ms < ?", q->until_ms);
	if (q->before)
		and_number(a, "seq < ?", q->before);
	if (q->reasons)
		and_number(a, "died_ms IS NOT NULL AND (1 << reason) & ?",
			   q->reasons);
	textbuf_text(&a->sql, " ORDER BY seq DESC LIMIT ?");
	param_number(a, limit < LEDGER_LIMIT_MAX ? limit : LEDGER_LIMIT_MAX);
}

static int runs_prepare(struct store *s, sqlite3_stmt **ret, struct err *e)
{
	struct question a = { 0 };
	int r;

	select_columns(&a, run_columns, COUNT(run_columns));
	textbuf_text(&a.sql, " FROM runs WHERE instance = ?"
			     " ORDER BY seq DESC LIMIT ?");
	r = prepare(s, &a, ret, e);
	textbuf_fini(&a.sql);
	return r;
}

/* The requests of the row at hand: objects, or ids parted by spaces. */
static int put_runs(struct store *s, sqlite3_stmt *runs, int64_t seq,
		    const struct ledger_query *q, struct textbuf *b)
{
	bool json = q->format == LEDGER_JSON;
	uint32_t max = q->runs_max < LEDGER_RUNS_MAX ? q->runs_max :
						       LEDGER_RUNS_MAX;
	int step = SQLITE_DONE;

	sqlite3_reset(runs);
	sqlite3_bind_int64(runs, 1, seq);
	sqlite3_bind_int64(runs, 2, max);
	textbuf_text(b, json ? ",\"requests\":[" : ",");
	for (int i = 0; (step = sqlite3_step(runs)) == SQLITE_ROW; i++) {
		if (i)
			textbuf_text(b, json ? "," : " ");
		if (!json) {
			put_value(b, runs, 0, TEXT);
			continue;
		}
		textbuf_text(b, "{");
		json_members(b, runs, run_columns, COUNT(run_columns));
		textbuf_text(b, "}");
	}
	textbuf_text(b, json ? "]" : "");
	return step == SQLITE_DONE ? 0 : store_fail(s, NULL);
}

static int put_instances(struct store *s, sqlite3_stmt *st, sqlite3_stmt *runs,
			 const struct ledger_query *q, struct textbuf *b)
{
	bool json = q->format == LEDGER_JSON;
	uint32_t count = 0, limit = q->limit ? q->limit : LIMIT_DEFAULT;
	int64_t seq = 0;
	int step = SQLITE_DONE, r = 0;

	while (r == 0 && (step = sqlite3_step(st)) == SQLITE_ROW) {
		seq = sqlite3_column_int64(st, SEQ_COLUMN);
		if (json) {
			textbuf_text(b, count ? ",\n{" : "\n{");
			json_members(b, st, instance_columns,
				     COUNT(instance_columns));
		} else {
			csv_row(b, st, instance_columns,
				COUNT(instance_columns));
		}
		r = put_runs(s, runs, seq, q, b);
		textbuf_text(b, json ? "}" : "\n");
		count++;
	}
	if (r == 0 && step != SQLITE_DONE)
		r = store_fail(s, NULL);
	if (!json)
		return r;
	if (count && count >= limit)
		textbuf_printf(b, "],\n\"next\":%lld}\n", (long long)seq);
	else
		textbuf_text(b, "],\n\"next\":null}\n");
	return r;
}

int store_history(struct store *s, const struct ledger_query *q,
		  struct textbuf *ret, struct err *e)
{
	AUTO_STMT sqlite3_stmt *st = NULL;
	AUTO_STMT sqlite3_stmt *runs = NULL;
	uint8_t ids[2][RECORD_ID_SIZE];
	struct question a = { 0 };
	int r;

	if (!is_hex(q->id))
		return err_set(e, EINVAL, "an instance's id is hexadecimal");
	history_question(&a, q, ids);
	r = prepare(s, &a, &st, e);
	textbuf_fini(&a.sql);
	if (r == 0)
		r = runs_prepare(s, &runs, e);
	if (r < 0)
		return r;
	if (q->format == LEDGER_JSON) {
		textbuf_text(ret, "{\"instances\":[");
	} else {
		csv_head(ret, instance_columns, COUNT(instance_columns));
		textbuf_text(ret, ",requests\n");
	}
	r = put_instances(s, st, runs, q, ret);
	if (r < 0)
		return store_fail(s, e);
	return ret->failed ? err_set(e, ENOMEM, "out of memory") : 0;
}

/* ---- totals -------------------------------------------------------------- */

/* How many died of each reason, of the function and month of a row. */
static int read_deaths(struct store *s, sqlite3_stmt *deaths,
		       sqlite3_stmt *total, int64_t counts[LEDGER_REASON_COUNT])
{
	int64_t reason;
	int step;

	memset(counts, 0, LEDGER_REASON_COUNT * sizeof(counts[0]));
	sqlite3_reset(deaths);
	sqlite3_bind_text(deaths, 1,
			  (const char *)sqlite3_column_text(total, 0), -1,
			  SQLITE_TRANSIENT);
	sqlite3_bind_int64(deaths, 2, sqlite3_column_int64(total, 1));
	while ((step = sqlite3_step(deaths)) == SQLITE_ROW) {
		reason = sqlite3_column_int64(deaths, 0);
		if (reason > 0 && reason < LEDGER_REASON_COUNT)
			counts[reason] = sqlite3_column_int64(deaths, 1);
	}
	return step == SQLITE_DONE ? 0 : store_fail(s, NULL);
}

static void put_total(struct textbuf *b, sqlite3_stmt *st,
		      const int64_t counts[LEDGER_REASON_COUNT],
		      enum ledger_format format)
{
	const char *comma = "";

	if (format == LEDGER_CSV) {
		csv_row(b, st, total_columns, COUNT(total_columns));
		for (int i = 1; i < LEDGER_REASON_COUNT; i++)
			textbuf_printf(b, ",%lld", (long long)counts[i]);
		textbuf_text(b, "\n");
		return;
	}
	json_members(b, st, total_columns, COUNT(total_columns));
	textbuf_text(b, ",\"deaths\":{");
	for (int i = 1; i < LEDGER_REASON_COUNT; i++) {
		if (!counts[i])
			continue;
		textbuf_printf(b, "%s\"%s\":%lld", comma,
			       ledger_reason_word((enum ledger_reason)i),
			       (long long)counts[i]);
		comma = ",";
	}
	textbuf_text(b, "}}");
}

static void totals_question(struct question *a, const struct ledger_query *q)
{
	select_columns(a, total_columns, COUNT(total_columns));
	textbuf_text(&a->sql, " FROM totals WHERE 1");
	and_function(a, q->function);
	if (q->since_ms)
		and_number(a, "month >= ?", store_month(q->since_ms));
	if (q->until_ms)
		and_number(a, "month <= ?", store_month(q->until_ms - 1));
	textbuf_text(&a->sql, " ORDER BY month DESC, function LIMIT ?");
	param_number(a, q->limit && q->limit < LEDGER_LIMIT_MAX ?
				q->limit :
				LEDGER_LIMIT_MAX);
}

static void totals_head(struct textbuf *b, enum ledger_format format)
{
	if (format == LEDGER_JSON) {
		textbuf_text(b, "{\"totals\":[");
		return;
	}
	csv_head(b, total_columns, COUNT(total_columns));
	for (int i = 1; i < LEDGER_REASON_COUNT; i++)
		textbuf_printf(b, ",%s",
			       ledger_reason_word((enum ledger_reason)i));
	textbuf_text(b, "\n");
}

int store_totals(struct store *s, const struct ledger_query *q,
		 struct textbuf *ret, struct err *e)
{
	AUTO_STMT sqlite3_stmt *st = NULL;
	AUTO_STMT sqlite3_stmt *deaths = NULL;
	int64_t counts[LEDGER_REASON_COUNT];
	struct question a = { 0 };
	int r, step = SQLITE_DONE;

	totals_question(&a, q);
	r = prepare(s, &a, &st, e);
	textbuf_fini(&a.sql);
	if (r < 0)
		return r;
	if (sqlite3_prepare_v2(s->db,
			       "SELECT reason, count FROM deaths"
			       " WHERE function = ? AND month = ?",
			       -1, &deaths, NULL) != SQLITE_OK)
		return store_fail(s, e);
	totals_head(ret, q->format);
	for (int i = 0; r == 0 && (step = sqlite3_step(st)) == SQLITE_ROW;
	     i++) {
		if (q->format == LEDGER_JSON)
			textbuf_text(ret, i ? ",\n{" : "\n{");
		r = read_deaths(s, deaths, st, counts);
		put_total(ret, st, counts, q->format);
	}
	if (q->format == LEDGER_JSON)
		textbuf_text(ret, "]}\n");
	if (r < 0 || step != SQLITE_DONE)
		return store_fail(s, e);
	return ret->failed ? err_set(e, ENOMEM, "out of memory") : 0;
}
