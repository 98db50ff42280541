/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly top: functions and what they do right now, once a second until it is
 * ended; once, if stdout is no terminal. Rates are differences of counters
 * of /metrics.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/grid.h"
#include "cli/platform.h"
#include "cli/talk.h"
#include "host/cleanup.h"
#include "host/parse.h"

enum { OPT_COUNT = 10, OPT_EVERY };

static const struct opt opts[] = {
	{ OPT_COUNT, 'n', "count", "N", "show N times" },
	{ OPT_EVERY, 'd', "delay", "TIME", "between them, default 1s" },
	{ 0 },
};

#define FUNCTIONS_MAX 1000u

struct sample {
	char name[64];
	double requests, seconds, errors;
};

struct samples {
	struct sample items[FUNCTIONS_MAX];
	size_t count;
	uint64_t at_ms;
};

struct top {
	uint64_t count, every_ms;
	struct samples now, before;
};

static int take(void *arg, int id, const char *value, struct err *e)
{
	struct top *t = arg;

	if (id == OPT_EVERY)
		return parse_duration(&t->every_ms, value, e);
	return parse_number(&t->count, value, 1, 1000000) ?
		       0 :
		       err_set(e, EINVAL, "--count %s is not a number", value);
}

/* ---- counters ---- */

static struct sample *find_sample(struct samples *s, const char *name,
				  size_t len, bool make)
{
	struct sample *one;

	for (size_t i = 0; i < s->count; i++)
		if (strlen(s->items[i].name) == len &&
		    memcmp(s->items[i].name, name, len) == 0)
			return &s->items[i];
	if (!make || s->count == FUNCTIONS_MAX || len >= sizeof(one->name))
		return NULL;
	one = &s->items[s->count++];
	*one = (struct sample){ 0 };
	memcpy(one->name, name, len);
	return one;
}

/* FAMILY{function="NAME",...} VALUE */
static void read_metric(struct samples *s, const char *line)
{
	static const char label[] = "{function=\"";
	const char *name = strstr(line, label), *value = strrchr(line, ' ');
	struct sample *one;

	if (!name || !value)
		return;
	name += sizeof(label) - 1;
	if (strncmp(line, "mayfly_requests_total{", 22) != 0 &&
	    strncmp(line, "mayfly_request_duration_seconds_sum{", 36) != 0)
		return;
	one = find_sample(s, name, strcspn(name, "\""), true);
	if (!one)
		return;
	if (line[14] == '_')
		one->seconds += strtod(value, NULL);
	else
		one->requests += strtod(value, NULL);
	if (line[14] != '_' && strstr(name, "class=\"5xx\""))
		one->errors += strtod(value, NULL);
}

static int on_line(void *arg, const char *line)
{
	read_metric(arg, line);
	return 0;
}

static int on_data(void *arg, const char *data, size_t len)
{
	return talk_lines_add(arg, data, len);
}

static int read_metrics(struct samples *s, struct err *e)
{
	struct talk_lines lines = { .line = on_line, .arg = s };
	const struct talk t = { .method = "GET",
				.path = "/v1/metrics",
				.body_fd = -1,
				.data = on_data,
				.arg = &lines };
	struct talk_answer a = { 0 };
	int r;

	s->count = 0;
	s->at_ms = platform_now_ms();
	r = talk(&t, &a, e);
	talk_answer_fini(&a);
	talk_lines_fini(&lines);
	return r;
}

/* ---- the table ---- */

static void put_rates(struct top *t, char (*row)[GRID_CELL], const char *name)
{
	size_t len = strlen(name);
	const struct sample *now = find_sample(&t->now, name, len, false);
	const struct sample *old = find_sample(&t->before, name, len, false);
	double seconds = (double)(t->now.at_ms - t->before.at_ms) / 1000;
	double n;

	if (!now)
		return;
	grid_set(row[7], "%.0f", now->requests);
	grid_set(row[8], "%.0f", now->errors);
	if (!t->before.at_ms || seconds <= 0)
		return;
	n = now->requests - (old ? old->requests : 0);
	grid_set(row[5], "%.1f", n / seconds);
	if (n > 0)
		grid_time(row[6],
			  (now->seconds - (old ? old->seconds : 0)) / n * 1e6);
}

static int print_table(struct top *t, const json_t *list, struct err *e)
{
	static const char *const titles[] = { "FUNCTION", "STATE",    "BUSY",
					      "READY",	  "WAITING",  "REQ/S",
					      "AVERAGE",  "REQUESTS", "ERRORS",
					      NULL };
	AUTO_GRID struct grid g = { 0 };
	char(*row)[GRID_CELL];
	json_t *f;
	size_t i;

	if (grid_init(&g, titles) < 0)
		return err_set(e, ENOMEM, "out of memory");
	json_array_foreach(list, i, f) {
		const json_t *o = json_object_get(f, "instances");

		row = grid_row(&g);
		if (!row)
			return err_set(e, ENOMEM, "out of memory");
		grid_set(row[0], "%s", grid_text(f, "name"));
		grid_set(row[1], "%s", grid_text(f, "state"));
		grid_set(row[2], "%" PRId64, grid_number(o, "busy"));
		grid_set(row[3], "%" PRId64, grid_number(o, "ready"));
		grid_set(row[4], "%" PRId64, grid_number(o, "waiting"));
		put_rates(t, row, grid_text(f, "name"));
	}
	grid_print(&g, stdout);
	return 0;
}

static int show(struct top *t, bool live, struct err *e)
{
	json_t *answer = NULL;
	int r = talk_json("GET", "/v1/stats", NULL, &answer, e);

	if (r == 0)
		r = read_metrics(&t->now, e);
	if (r == 0 && live)
		fputs("\033[H\033[2J", stdout);
	if (r == 0)
		r = print_table(t, json_object_get(answer, "functions"), e);
	json_decref(answer);
	fflush(stdout);
	return r;
}

static int watch(struct top *t, struct err *e)
{
	bool live = isatty(STDOUT_FILENO) == 1;
	const struct timespec pause = { .tv_sec = (time_t)(t->every_ms / 1000),
					.tv_nsec = (long)(t->every_ms % 1000) *
						   1000000 };
	int r;

	if (!t->count)
		t->count = live ? UINT64_MAX : 1;
	while ((r = show(t, live, e)) == 0 && --t->count > 0) {
		t->before = t->now;
		nanosleep(&pause, NULL);
	}
	return r;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	static struct top t = { .every_ms = 1000 };
	struct platform_words w = { .what = "no words",
				    .option = take,
				    .arg = &t };
	struct err e;
	int r, status;

	if (platform_parse(cmd, argc, argv, &w, &status) == 0) {
		r = watch(&t, &e);
		status = r < 0 ? platform_fail(r, &e) : STATUS_OK;
	}
	return status;
}

const struct cmd cmd_top = {
	.name = "top",
	.usage = "[OPTIONS]",
	.summary = "Show what functions do right now",
	.opts = opts,
	.run = run,
};
