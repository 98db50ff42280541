/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly bench start: its options. The work is cli/bench_start.c's.
 * cli/cmd_bench.c calls it.
 */
#include <errno.h>
#include <string.h>

#include "cli/bench_start.h"
#include "cli/cmd_bench.h"
#include "cli/parse.h"

#define RUNS_DEFAULT 200u
#define RUNS_MAX     100000u

enum {
	OPT_RUNS = 10,
	OPT_PORT,
	OPT_PATH,
	OPT_SUSTAINED,
	OPT_JSON,
	OPT_BARE_PORT
};

static const struct opt opts[] = {
	{ OPT_RUNS, 'n', "runs", "N", "rounds, default 200" },
	{ OPT_PORT, 'p', "port", "PORT",
	  "where the program listens, default its first port" },
	{ OPT_BARE_PORT, 0, "bare-port", "PORT",
	  "where COMMAND listens, if PORT does not tell it" },
	{ OPT_PATH, 0, "path", "PATH", "what is asked for, default /" },
	{ OPT_SUSTAINED, 0, "sustained", "TIME",
	  "then also an instance for every request, for so long" },
	{ OPT_JSON, 0, "json", NULL, "all samples, in nanoseconds" },
	{ 0 },
};

struct bench_words {
	struct bench_start o;
	bool help;
};

static int set_count(unsigned long *ret, const char *text, unsigned long max,
		     const char *name, struct err *e)
{
	uint64_t n;

	if (!parse_number(&n, text, 1, max))
		return err_set(e, EINVAL,
			       "%s is no %s: a number from 1 to %lu is wanted",
			       text, name, max);
	*ret = n;
	return 0;
}

static int take_word(struct bench_words *w, const char *value, struct err *e)
{
	if (w->o.path)
		return err_set(e, EINVAL,
			       "mayfly bench start takes one snapshot, and %s "
			       "is a second one; a command of the bare program "
			       "goes behind --",
			       value);
	w->o.path = value;
	return 0;
}

static int take_option(struct bench_words *w, int id, const char *value,
		       struct err *e)
{
	unsigned long number = 0;
	uint64_t time_ms = 0;
	int r;

	switch (id) {
	case OPT_HELP:
		w->help = true;
		return 0;
	case OPT_RUNS:
		r = set_count(&number, value, RUNS_MAX, "count of rounds", e);
		w->o.runs = (unsigned)number;
		return r;
	case OPT_PORT:
		r = set_count(&number, value, 65535, "port", e);
		w->o.port = (uint16_t)number;
		return r;
	case OPT_BARE_PORT:
		r = set_count(&number, value, 65535, "port", e);
		w->o.bare_port = (uint16_t)number;
		return r;
	case OPT_PATH:
		w->o.url = value;
		return value[0] == '/' ? 0 :
					 err_set(e, EINVAL,
						 "the path %s does not begin "
						 "with /",
						 value);
	case OPT_SUSTAINED:
		r = parse_duration(&time_ms, value, e);
		w->o.seconds = (time_ms + 999) / 1000;
		return r;
	case OPT_JSON:
		w->o.json = true;
		return 0;
	default:
		return take_word(w, value, e);
	}
}

static int parse(struct bench_words *w, int argc, char **argv, struct err *e)
{
	struct opts o = { .table = opts,
			  .argv = argv,
			  .argc = argc,
			  .next = 1,
			  .words_between = true,
			  .program = true };
	const char *value;
	int id, r = 0;

	while (r == 0 && (id = opts_next(&o, &value, e)) != OPT_END)
		r = id < 0 ? id : take_option(w, id, value, e);
	if (r < 0 || w->help)
		return r;
	if (!w->o.path)
		return err_set(e, EINVAL,
			       "nothing to measure: mayfly bench start needs a "
			       "snapshot; mayfly snapshot takes one");
	if (o.next < argc)
		w->o.bare = argv + o.next;
	return 0;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct bench_words w = { .o = { .runs = RUNS_DEFAULT, .url = "/" } };
	struct err e;

	if (parse(&w, argc, argv, &e) < 0)
		return cmd_fail(STATUS_FAILED, &e);
	if (w.help) {
		cmd_print_help(cmd);
		return STATUS_OK;
	}
	return bench_start(&w.o, &e) < 0 ? cmd_fail(STATUS_FAILED, &e) :
					   STATUS_OK;
}

const struct cmd cmd_bench_start = {
	.name = "bench start",
	.usage = "[OPTIONS] SNAPSHOT [-- COMMAND [ARGUMENT...]]",
	.summary =
		"Measure how soon a program answers, by every way to start it",
	.details =
		"One HTTP request is sent and answered: by a clone that is "
		"made from nothing, put\ninto a shell that waited for it, or "
		"ready in a pool; by an instance that was reset;\nby a boot; "
		"and, if COMMAND is given, by that process, which is to listen "
		"on the\nport that the variable PORT says. All in turn, round "
		"by round.",
	.opts = opts,
	.run = run,
};
