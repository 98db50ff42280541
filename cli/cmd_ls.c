/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly ls and mayfly ps: the functions that are deployed, and the instances
 * that run, as tables, as JSON, or their names alone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/grid.h"
#include "cli/platform.h"
#include "cli/talk.h"
#include "host/cleanup.h"

enum { OPT_JSON = 10, OPT_QUIET };

static const struct opt opts[] = {
	{ OPT_JSON, 0, "json", NULL, "print JSON" },
	{ OPT_QUIET, 'q', "quiet", NULL, "print names, or ids, alone" },
	{ 0 },
};

struct listing {
	bool json, quiet;
};

static int take(void *arg, int id, const char *value, struct err *e)
{
	struct listing *l = arg;

	(void)value;
	(void)e;
	l->json |= id == OPT_JSON;
	l->quiet |= id == OPT_QUIET;
	return 0;
}

/* ---- functions ---- */

/* "3", or "2:90 3:10". */
static void put_live(char cell[GRID_CELL], const json_t *shares)
{
	char text[GRID_CELL] = "";
	size_t i, len = 0;
	json_t *s;

	if (json_array_size(shares) == 1) {
		grid_set(cell, "%lld",
			 (long long)grid_number(json_array_get(shares, 0),
						"version"));
		return;
	}
	json_array_foreach(shares, i, s) {
		if (len < sizeof(text))
			len += (size_t)snprintf(
				text + len, sizeof(text) - len, "%s%lld:%lld",
				i ? " " : "",
				(long long)grid_number(s, "version"),
				(long long)grid_number(s, "weight"));
	}

	grid_set(cell, "%s", text);
}

static void put_instances(char cell[GRID_CELL], const json_t *o)
{
	long long busy = grid_number(o, "busy");
	long long all = busy + grid_number(o, "ready") +
			grid_number(o, "starting") + grid_number(o, "stopping");

	grid_set(cell, "%lld", all);
	if (busy)
		grid_set(cell, "%lld (%lld busy)", all, busy);
}

static int print_functions(const json_t *list)
{
	static const char *const titles[] = {
		"NAME",	     "VERSION", "STATE", "INSTANCES", "MODE",
		"ISOLATION", "MEMORY",	"AGE",	 "URL",	      NULL
	};
	AUTO_GRID struct grid g = { 0 };
	uint64_t now = platform_now_ms();
	char(*row)[GRID_CELL];
	json_t *f;
	size_t i;

	if (grid_init(&g, titles) < 0)
		return -ENOMEM;
	json_array_foreach(list, i, f) {
		row = grid_row(&g);
		if (!row)
			return -ENOMEM;
		grid_set(row[0], "%s", grid_text(f, "name"));
		put_live(row[1], json_object_get(f, "live"));
		grid_set(row[2], "%s", grid_text(f, "state"));
		put_instances(row[3], json_object_get(f, "instances"));
		grid_set(row[4], "%s", grid_text(f, "mode"));
		grid_set(row[5], "%s", grid_text(f, "isolation"));
		grid_bytes(row[6], (uint64_t)grid_number(f, "memory_bytes"));
		grid_age(row[7], now - (uint64_t)grid_number(f, "created_ms"));
		grid_set(row[8], "%s", grid_text(f, "url"));
	}
	grid_print(&g, stdout);
	return 0;
}

/* ---- instances ---- */

static int print_instances(const json_t *list)
{
	static const char *const titles[] = { "INSTANCE", "FUNCTION", "VERSION",
					      "STATE",	  "SERVED",   "NOW",
					      "STARTED",  "AGE",      "PID",
					      NULL };
	AUTO_GRID struct grid g = { 0 };
	char(*row)[GRID_CELL];
	json_t *o;
	size_t i;

	if (grid_init(&g, titles) < 0)
		return -ENOMEM;
	json_array_foreach(list, i, o) {
		row = grid_row(&g);
		if (!row)
			return -ENOMEM;
		grid_set(row[0], "%.12s", grid_text(o, "id"));
		grid_set(row[1], "%s", grid_text(o, "function"));
		grid_set(row[2], "%lld", (long long)grid_number(o, "version"));
		grid_set(row[3], "%s", grid_text(o, "state"));
		grid_set(row[4], "%lld", (long long)grid_number(o, "served"));
		grid_set(row[5], "%lld",
			 (long long)grid_number(o, "in_flight"));
		grid_set(row[6], "%s", grid_text(o, "how"));
		grid_age(row[7], (uint64_t)grid_number(o, "age_ms"));
		grid_set(row[8], "%lld", (long long)grid_number(o, "pid"));
	}
	grid_print(&g, stdout);
	return 0;
}

/* ---- both ---- */

static int print_names(const json_t *list, const char *key)
{
	json_t *o;
	size_t i;

	json_array_foreach(list, i, o) {
		printf("%s\n", grid_text(o, key));
	}

	return 0;
}

static int print_json(const json_t *o)
{
	AUTO_FREE char *text = json_dumps(o, JSON_INDENT(2));

	if (!text)
		return -ENOMEM;
	puts(text);
	return 0;
}

static int show(const struct listing *l, const char *path, const char *key,
		const char *name, int (*print)(const json_t *list))
{
	json_t *answer = NULL, *list;
	struct err e;
	int r = talk_json("GET", path, NULL, &answer, &e);

	if (r < 0)
		return platform_fail(r, &e);
	list = json_object_get(answer, key);
	r = l->json  ? print_json(list) :
	    l->quiet ? print_names(list, name) :
		       print(list);
	json_decref(answer);
	if (r < 0)
		err_set(&e, ENOMEM, "out of memory");
	return r < 0 ? cmd_fail(STATUS_FAILED, &e) : STATUS_OK;
}

static int run_ls(const struct cmd *cmd, int argc, char **argv)
{
	struct listing l = { 0 };
	struct platform_words w = { .what = "no words",
				    .option = take,
				    .arg = &l };
	int status;

	if (platform_parse(cmd, argc, argv, &w, &status) == 0)
		status = show(&l, "/v1/functions", "functions", "name",
			      print_functions);
	return status;
}

static int run_ps(const struct cmd *cmd, int argc, char **argv)
{
	struct listing l = { 0 };
	struct platform_words w = { .max = 1,
				    .what = "the name of a function, or none",
				    .option = take,
				    .arg = &l };
	AUTO_FREE char *path = NULL, *code = NULL;
	int status;

	if (platform_parse(cmd, argc, argv, &w, &status) != 0)
		return status;
	code = talk_encode(w.count ? w.words[0] : "");
	if (!code || asprintf(&path, "/v1/instances%s%s",
			      w.count ? "?function=" : "", code) < 0) {
		path = NULL;
		return STATUS_FAILED;
	}
	return show(&l, path, "instances", "id", print_instances);
}

const struct cmd cmd_ls = {
	.name = "ls",
	.usage = "[OPTIONS]",
	.summary = "List the functions that are deployed",
	.opts = opts,
	.run = run_ls,
};

const struct cmd cmd_ps = {
	.name = "ps",
	.usage = "[OPTIONS] [NAME]",
	.summary = "List the instances that run",
	.opts = opts,
	.run = run_ps,
};
