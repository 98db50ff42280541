/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly trace: a program from its start, as mayfly run would run it, or an
 * instance that runs already. Its options are run's and, where they do not
 * clash, strace's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/attach.h"
#include "cli/cmd.h"
#include "cli/run.h"

#define TEXT_DEFAULT 32u /* bytes, as strace */

enum {
	OPT_EXPRESSION = RUN_MORE_ID,
	OPT_FILTER,
	OPT_OUTPUT,
	OPT_COUNT,
	OPT_COUNT_TOO,
	OPT_WALL,
	OPT_STRING,
	OPT_STAMP,
	OPT_RELATIVE,
	OPT_TIMES,
	OPT_THREADS,
	OPT_ATTACH,
};

static const struct opt own_opts[] = {
	{ OPT_ATTACH, 0, "attach", "NAME", "trace a running instance" },
	{ OPT_EXPRESSION, 'e', "expression", "trace=CALLS|NAME=VALUE",
	  "as --filter, or as run's -e" },
	{ OPT_FILTER, 0, "filter", "CALLS",
	  "trace these calls: open,close  !futex  %file" },
	{ OPT_OUTPUT, 'o', "output", "FILE", "write to a file, not to stderr" },
	{ OPT_COUNT, 'c', "summary-only", NULL,
	  "count calls, errors and time, print a table" },
	{ OPT_COUNT_TOO, 'C', "summary", NULL, "print calls and the table" },
	{ OPT_WALL, 0, "summary-wall-clock", NULL,
	  "the table's time is time passed" },
	{ OPT_STRING, 's', "string-limit", "LENGTH",
	  "show so much of strings and arrays, default 32" },
	{ OPT_STAMP, 't', "timestamps", NULL,
	  "begin lines with the time; -tt, -ttt: finer" },
	{ OPT_RELATIVE, 'r', "relative-timestamps", NULL,
	  "begin lines with the time since the one before" },
	{ OPT_TIMES, 'T', "syscall-times", NULL,
	  "always so, for strace users" },
	{ OPT_THREADS, 'f', "follow-forks", NULL,
	  "always so, for strace users" },
	{ 0 },
};

/* run's and ours; where both have a letter it is ours. */
static struct opt all_opts[OPTS_MAX + 1];

static bool own_letter(char letter)
{
	for (const struct opt *o = own_opts; o->id; o++)
		if (letter && o->letter == letter)
			return true;
	return false;
}

static void merge_opts(void)
{
	size_t n = 0;

	for (const struct opt *o = own_opts; o->id && n < OPTS_MAX; o++)
		all_opts[n++] = *o;
	for (const struct opt *o = run_opts; o->id && n < OPTS_MAX; o++) {
		all_opts[n] = *o;
		if (own_letter(o->letter))
			all_opts[n].letter = 0;
		n++;
	}
}

/* ---- values ------------------------------------------------------------- */

static const char *after(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

/* -e is strace's where it looks like it, else run's. */
static bool is_expression(const char *value)
{
	struct trace_filter f;

	if (after(value, "trace=") || after(value, "t=") ||
	    after(value, "signal=") || after(value, "s=") || value[0] == '%' ||
	    value[0] == '!')
		return true;
	if (strchr(value, '='))
		return false;
	return strchr(value, ',') || trace_filter_calls(&f, value, NULL) == 0;
}

static bool is_env(int id, const char *value)
{
	return id == OPT_EXPRESSION && !is_expression(value);
}

static int take_expression(struct trace_options *t, const char *value,
			   struct err *e)
{
	const char *list;

	if ((list = after(value, "signal=")) || (list = after(value, "s=")))
		return trace_filter_signals(&t->filter, list, e);
	if ((list = after(value, "trace=")) || (list = after(value, "t=")))
		value = list;
	return trace_filter_calls(&t->filter, value, e);
}

static int take_length(struct trace_options *t, const char *value,
		       struct err *e)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (*end || end == value || value[0] == '-' || n > MF_TRACE_TEXT_MAX)
		return err_set(e, EINVAL, "%s is not a length from 0 to %u",
			       value, MF_TRACE_TEXT_MAX);
	t->style.text_max = (uint32_t)n;
	return 0;
}

static int take(void *arg, int id, const char *value, struct err *e)
{
	struct trace_options *t = arg;

	switch (id) {
	case OPT_EXPRESSION:
		return take_expression(t, value, e);
	case OPT_FILTER:
		return trace_filter_calls(&t->filter, value, e);
	case OPT_STRING:
		return take_length(t, value, e);
	case OPT_ATTACH:
		t->attach = value;
		break;
	case OPT_OUTPUT:
		t->output = value;
		t->style.thread_always = true;
		break;
	case OPT_COUNT:
		t->style.lines = false;
		t->style.counts = true;
		break;
	case OPT_COUNT_TOO:
		t->style.counts = true;
		break;
	case OPT_WALL:
		t->style.wall_clock = true;
		break;
	case OPT_STAMP:
		if (t->style.stamp < TRACE_STAMP_EPOCH)
			t->style.stamp++;
		break;
	case OPT_RELATIVE:
		t->style.relative = true;
		break;
	default:
		break;
	}
	return 0;
}

/* ---- what to trace ------------------------------------------------------ */

/* A word that names no file may name an instance. */
static bool may_be_instance(const char *word)
{
	return !strpbrk(word, "/:") && access(word, F_OK) < 0;
}

static int nothing_named(const char *word)
{
	char list[256];

	instances_list(list, sizeof(list));
	log_say("there is neither a file nor a running instance %s%s%s", word,
		list[0] ? "; running:" : "; no instance is running", list);
	return STATUS_NOT_FOUND;
}

/* The instance to attach to, or NULL. */
static const char *instance_of(const struct run_options *o,
			       const struct trace_options *t)
{
	if (t->attach)
		return t->attach;
	return may_be_instance(o->path) ? o->path : NULL;
}

static int trace_program(struct run_options *o, const struct trace_options *t,
			 uint64_t begin_us)
{
	static struct trace_session s;
	struct err e;
	int status;

	if (trace_session_init(&s, t, &e) < 0) {
		status = cmd_fail(STATUS_FAILED, &e);
	} else {
		o->trace = &s.run;
		status = run_program(o, &s, begin_us);
	}
	trace_session_fini(&s);
	return status;
}

static int trace(struct run_options *o, const struct trace_options *t,
		 uint64_t begin_us)
{
	const char *name;
	struct err e;
	int conn;

	if (!o->path && !t->attach) {
		log_say("nothing to trace: mayfly trace needs a program, an "
			"image or the name of a running instance; see mayfly "
			"trace --help");
		return STATUS_FAILED;
	}
	if (o->path && t->attach) {
		log_say("either --attach or a program, not both");
		return STATUS_FAILED;
	}
	name = instance_of(o, t);
	if (!name)
		return trace_program(o, t, begin_us);
	conn = instances_connect(name, &e);
	if (conn == -ENOENT)
		return nothing_named(name);
	if (conn < 0)
		return cmd_fail(STATUS_FAILED, &e);
	return attach_trace(name, conn, t);
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	static struct run_options o;
	struct trace_options t = { .style = { .lines = true,
					      .text_max = TEXT_DEFAULT } };
	const struct run_more more = {
		.table = all_opts, .take = take, .arg = &t, .is_env = is_env
	};
	uint64_t begin_us = run_now_us();
	struct err e;
	int status;

	merge_opts();
	trace_filter_init(&t.filter);
	if (run_options_parse_more(&o, argc, argv, &more, &e) < 0) {
		status = cmd_fail(STATUS_FAILED, &e);
	} else if (o.help) {
		cmd_print_help(cmd);
		status = STATUS_OK;
	} else if (o.restart) {
		log_say("a traced program does not begin again: leave "
			"--restart away");
		status = STATUS_FAILED;
	} else {
		status = trace(&o, &t, begin_us);
	}
	run_options_fini(&o);
	return status;
}

const struct cmd cmd_trace = {
	.name = "trace",
	.usage = "[OPTIONS] PROGRAM|IMAGE [ARGUMENT...]\n"
		 "       mayfly trace [OPTIONS] [--attach] INSTANCE",
	.summary = "Show the system calls of a program, like strace",
	.details =
		"Runs the program as mayfly run would, with run's options, or "
		"watches an\ninstance that is running, until Ctrl-C. Each "
		"line is a call with its arguments,\nits result and the time "
		"it took. CALLS is a list of names; a name with %\nis one of "
		"the classes %file, %desc, %network, %memory, %process and "
		"%signal,\nand ! in front means all others.\n\n"
		"Exit status: as of mayfly run; of an instance that was "
		"watched, 0.",
	.opts = all_opts,
	.run = run,
};
