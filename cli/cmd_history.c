/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly history: what the ledger knows of instances, or their sums by month.
 * JSON and CSV are the ledger's own; the table is for people.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/grid.h"
#include "cli/platform.h"
#include "cli/query.h"
#include "cli/talk.h"
#include "host/cleanup.h"
#include "host/file.h"

enum {
	OPT_JSON = 10,
	OPT_CSV,
	OPT_SINCE,
	OPT_UNTIL,
	OPT_LIMIT,
	OPT_REASON,
	OPT_INSTANCE,
	OPT_RUNS,
	OPT_TOTALS,
};

static const struct opt opts[] = {
	{ OPT_JSON, 0, "json", NULL, "print JSON" },
	{ OPT_CSV, 0, "csv", NULL, "print CSV" },
	{ OPT_SINCE, 0, "since", "TIME", "as 10m ago, or 2026-11-21T10:00" },
	{ OPT_UNTIL, 0, "until", "TIME", "the same" },
	{ OPT_LIMIT, 'n', "limit", "N", "the last N, default 100" },
	{ OPT_REASON, 0, "reason", "WORD", "that ended so, as crash" },
	{ OPT_INSTANCE, 0, "instance", "ID", "this one, 32 digits" },
	{ OPT_RUNS, 0, "runs", "N", "and the last N requests of each" },
	{ OPT_TOTALS, 0, "totals", NULL, "sums by function and month" },
	{ 0 },
};

struct history {
	struct query query;
	bool json, csv, totals;
};

static int take(void *arg, int id, const char *value, struct err *e)
{
	struct history *h = arg;

	switch (id) {
	case OPT_SINCE:
		return query_add_time(&h->query, "since", value, e);
	case OPT_UNTIL:
		return query_add_time(&h->query, "until", value, e);
	case OPT_LIMIT:
		return query_add_number(&h->query, "limit", value, e);
	case OPT_RUNS:
		return query_add_number(&h->query, "runs", value, e);
	case OPT_REASON:
		return query_add(&h->query, "reason", value, e);
	case OPT_INSTANCE:
		return query_add(&h->query, "id", value, e);
	case OPT_JSON:
		h->json = true;
		return 0;
	case OPT_CSV:
		h->csv = true;
		return query_add(&h->query, "format", "csv", e);
	default:
		h->totals = true;
		return 0;
	}
}

/* ---- tables ---- */

static void put_instance(char (*row)[GRID_CELL], const json_t *o)
{
	const char *reason = grid_text(o, "reason");

	grid_set(row[0], "%.19s", grid_text(o, "born"));
	grid_set(row[1], "%.12s", grid_text(o, "id"));
	grid_set(row[2], "%s", grid_text(o, "function"));
	grid_set(row[3], "%" PRId64, grid_number(o, "version"));
	grid_set(row[4], "%s", grid_text(o, "trigger"));
	grid_set(row[5], "%s", grid_text(o, "how"));
	grid_time(row[6], (double)grid_number(o, "start_us"));
	grid_set(row[7], "%" PRId64, grid_number(o, "runs"));
	grid_time(row[8], (double)grid_number(o, "run_us"));
	grid_time(row[9], (double)grid_number(o, "cpu_us"));
	grid_bytes(row[10], (uint64_t)grid_number(o, "mem_peak_bytes"));
	grid_set(row[11], "%s", reason[0] ? reason : "(alive)");
}

static int print_instances(const json_t *answer, struct err *e)
{
	static const char *const titles[] = { "BORN",	 "INSTANCE", "FUNCTION",
					      "VERSION", "TRIGGER",  "HOW",
					      "START",	 "REQUESTS", "RAN",
					      "CPU",	 "MEMORY",   "END",
					      NULL };
	AUTO_GRID struct grid g = { 0 };
	char(*row)[GRID_CELL];
	json_t *o;
	size_t i;

	if (grid_init(&g, titles) < 0)
		return err_set(e, ENOMEM, "out of memory");
	json_array_foreach(json_object_get(answer, "instances"), i, o) {
		row = grid_row(&g);
		if (!row)
			return err_set(e, ENOMEM, "out of memory");
		put_instance(row, o);
	}
	grid_print(&g, stdout);
	return 0;
}

static void put_value(char cell[GRID_CELL], const json_t *v)
{
	if (json_is_string(v))
		grid_set(cell, "%s", json_string_value(v));
	else if (json_is_integer(v))
		grid_set(cell, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else if (json_is_number(v))
		grid_set(cell, "%.3f", json_number_value(v));
}

/* Whatever the ledger sums up, its first values. */
static int print_totals(json_t *answer, struct err *e)
{
	json_t *list = json_object_get(answer, "totals"), *o, *v;
	const char *titles[GRID_COLUMNS + 1] = { NULL }, *key;
	AUTO_GRID struct grid g = { 0 };
	char(*row)[GRID_CELL];
	size_t i, n = 0;

	json_object_foreach(json_array_get(list, 0), key, v) {
		if (n < GRID_COLUMNS && !json_is_object(v))
			titles[n++] = key;
	}

	if (n == 0) {
		puts("nothing yet");
		return 0;
	}
	if (grid_init(&g, titles) < 0)
		return err_set(e, ENOMEM, "out of memory");
	json_array_foreach(list, i, o) {
		row = grid_row(&g);
		if (!row)
			return err_set(e, ENOMEM, "out of memory");
		for (size_t c = 0; c < n; c++)
			put_value(row[c], json_object_get(o, titles[c]));
	}
	grid_print(&g, stdout);
	return 0;
}

/* ---- the answer ---- */

static int print(const struct history *h, const struct talk_answer *a,
		 struct err *e)
{
	json_t *answer;
	int r;

	if (h->json || h->csv) {
		if (a->text)
			fwrite(a->text, 1, a->len, stdout);
		if (a->text && a->text[a->len - 1] != '\n')
			putchar('\n');
		return 0;
	}
	answer = json_loadb(a->text ? a->text : "", a->len, 0, NULL);
	if (!answer)
		return err_set(e, EPROTO,
			       "what answers is no mayflyd: no "
			       "JSON");
	r = h->totals ? print_totals(answer, e) : print_instances(answer, e);
	json_decref(answer);
	return r;
}

static int show(struct history *h, const char *name, struct err *e)
{
	AUTO_FREE char *path = NULL;
	struct talk t = { .method = "GET", .body_fd = -1 };
	struct talk_answer a = { 0 };
	int r = name ? query_add(&h->query, "function", name, e) : 0;

	if (r < 0)
		return r;
	if (asprintf(&path, "/v1/%s%s", h->totals ? "totals" : "history",
		     h->query.text) < 0) {
		path = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	t.path = path;
	r = talk(&t, &a, e);
	if (r == 0)
		r = print(h, &a, e);
	talk_answer_fini(&a);
	return r;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	static struct history h;
	struct platform_words w = { .max = 1,
				    .what = "the name of a function, or none",
				    .option = take,
				    .arg = &h };
	struct err e;
	int r, status;

	if (platform_parse(cmd, argc, argv, &w, &status) == 0) {
		r = show(&h, w.count ? w.words[0] : NULL, &e);
		status = r < 0 ? platform_fail(r, &e) : STATUS_OK;
	}
	return status;
}

const struct cmd cmd_history = {
	.name = "history",
	.usage = "[OPTIONS] [NAME]",
	.summary = "Show births, runs and deaths of instances",
	.details = "When and why each began and ended, how long that took, and "
		   "what it cost; the\nlatest first.",
	.opts = opts,
	.run = run,
};
