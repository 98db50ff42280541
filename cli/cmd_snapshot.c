/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly snapshot: boots a program up to where it first waits for work, and
 * keeps what it is then in a file, from which mayfly run goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/refine.h"
#include "cli/run.h"
#include "cli/working_set.h"
#include "host/cleanup.h"
#include "host/file.h"
#include "launch/late_env.h"
#include "launch/snapshot.h"

enum {
	OPT_OUTPUT = RUN_MORE_ID,
	OPT_MARK,
	OPT_WARM_UP,
	OPT_REQUEST,
	OPT_NO_REQUEST,
	OPT_LATE_ENV,
};

#define MARK_PATH "/proc/mayfly/snapshot"

#define WARM_UP_MAX 100000u

/* A program that never waits for work is not waited for. */
#define TIMEOUT_MS 60000

static const struct opt own_opts[] = {
	{ OPT_OUTPUT, 'o', "output", "FILE",
	  "the snapshot to write, default the image's name and .snap" },
	{ OPT_MARK, 0, "mark", NULL,
	  "only where the program writes to " MARK_PATH },
	{ OPT_WARM_UP, 0, "warm-up", "N",
	  "HTTP requests that the program answers before" },
	{ OPT_REQUEST, 0, "request", "PATH",
	  "what they and the first copy's ask for, default /" },
	{ OPT_NO_REQUEST, 0, "no-request", NULL,
	  "the first copy is asked for nothing" },
	{ OPT_LATE_ENV, 0, "late-env", "NAME[=DEFAULT]",
	  "a variable that mayfly run -e may set" },
	{ 0 },
};

static struct opt all_opts[OPTS_MAX];

/* Those of mayfly run that say what the program is. */
static void merge_opts(void)
{
	static const char *const taken[] = { "env",	  "env-file", "memory",
					     "workdir",	  "egress",   "dns",
					     "substrate", "timeout" };
	size_t n = 0;

	for (const struct opt *o = own_opts; o->id; o++)
		all_opts[n++] = *o;
	for (const struct opt *o = run_opts; o->id; o++)
		for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
			if (strcmp(o->name, taken[i]) == 0)
				all_opts[n++] = *o;
}

/* What was asked for beside what mayfly run has. */
struct wish {
	const char *output; /* NULL: not said */
	bool no_request; /* the first copy gets none */
	struct run_snapshot snapshot;
};

static int set_warm_up(struct run_snapshot *s, const char *value, struct err *e)
{
	uint64_t n;

	if (!parse_number(&n, value, 0, WARM_UP_MAX))
		return err_set(e, EINVAL,
			       "--warm-up %s: a number from 0 to %u is wanted",
			       value, WARM_UP_MAX);
	s->warm_up = (uint32_t)n;
	return 0;
}

static int set_request(struct run_snapshot *s, const char *value, struct err *e)
{
	size_t i, len = strlen(value);

	for (i = 0; i < len && value[i] > ' ' && value[i] <= '~'; i++)
		;
	if (value[0] != '/' || i < len || len >= MF_REQUEST_MAX)
		return err_set(e, EINVAL,
			       "--request %s: a path that begins with / and "
			       "has at most %d printable characters is wanted",
			       value, MF_REQUEST_MAX - 1);
	s->request = value;
	return 0;
}

static int take(void *arg, int id, const char *value, struct err *e)
{
	struct wish *w = arg;

	switch (id) {
	case OPT_MARK:
		w->snapshot.mark = true;
		return 0;
	case OPT_WARM_UP:
		return set_warm_up(&w->snapshot, value, e);
	case OPT_REQUEST:
		return set_request(&w->snapshot, value, e);
	case OPT_NO_REQUEST:
		w->no_request = true;
		return 0;
	case OPT_LATE_ENV:
		return late_env_declare(&w->snapshot, value, e);
	default:
		w->output = value;
		return 0;
	}
}

/* Standard input that stays silent: nobody is there yet. */
static int silence_input(void)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0 || dup2(pair[0], STDIN_FILENO) < 0)
		return -errno;
	close(pair[0]);
	return 0; /* pair[1] stays open to the end */
}

static char *output_name(const struct run_options *o, const char *output)
{
	const char *slash = strrchr(o->path, '/');
	const char *base = slash ? slash + 1 : o->path;
	const char *dot = strrchr(base, '.');
	char *name;
	int len = (int)strlen(base);

	if (dot && dot != base && strcmp(dot, ".img") == 0)
		len = (int)(dot - base);
	if (output)
		return strdup(output);
	return asprintf(&name, "%.*s.snap", len, base) < 0 ? NULL : name;
}

/* On a process a copy's RAM is filled as a whole: there is no working set. */
static int record(struct wish *w, const struct image *img, struct err *e)
{
	struct run_snapshot *s = &w->snapshot;
	const char *request = s->request ? s->request : "/";
	const struct working_set set = {
		.s = s, .img = img, .request = w->no_request ? NULL : request
	};
	AUTO_FREE uint8_t *bits = NULL;
	int r;

	if (s->facts.substrate != MF_SUBSTRATE_KVM)
		return 0;
	r = working_set_record(&bits, &set, e);
	if (r < 0) {
		log_say("the snapshot has no working set, its copies begin "
			"slower: when one was tried, %s",
			e->text);
		return 0;
	}
	if (r > 0)
		log_say("a copy did not answer GET %s: its working set is "
			"what it touched; --request names another path, "
			"--no-request asks nothing",
			request);
	return working_set_store(s, bits, e);
}

static int finish(struct wish *w, struct file_draft *d, const struct image *img)
{
	const struct run_snapshot *s = &w->snapshot;
	struct err e;
	int r;

	r = snapshot_complete(s, img, &e);
	if (r == 0)
		r = record(w, img, &e);
	if (r == 0)
		r = snapshot_seal(s->fd, &s->facts, &e);
	if (r == 0) {
		r = file_draft_publish(d, true);
		if (r < 0)
			err_sys(&e, -r, "cannot write %s", d->path);
	}
	return r < 0 ? cmd_fail(STATUS_FAILED, &e) : STATUS_OK;
}

/* Why there is nothing, though nothing failed. */
static int nothing_taken(const struct run_options *o)
{
	if (o->snapshot->mark)
		log_say("%s ended before it wrote to %s: there is nothing to "
			"keep",
			o->path, MARK_PATH);
	else
		log_say("%s ended before it waited for work: there is nothing "
			"to keep; a program that does not wait can write to %s",
			o->path, MARK_PATH);
	return STATUS_FAILED;
}

static int snapshot(struct run_options *o, struct wish *w, uint64_t begin_us)
{
	AUTO_DRAFT struct file_draft d = { .fd = -1 };
	AUTO_FREE char *path = output_name(o, w->output);
	AUTO_IMAGE struct image img = { .fd = -1 };
	struct run_snapshot *s = &w->snapshot;
	struct err e;
	int r, status;

	if (!path)
		return STATUS_FAILED;
	r = file_draft_init(&d, path, 0644);
	if (r < 0) {
		err_sys(&e, -r, "cannot write %s", path);
		return cmd_fail(STATUS_FAILED, &e);
	}
	s->kind = MF_START_SNAPSHOT;
	s->fd = d.fd;
	o->snapshot = s;
	if (!o->timeout_ms)
		o->timeout_ms = TIMEOUT_MS;
	if (silence_input() < 0) {
		err_sys(&e, errno, "cannot make a pipe");
		return cmd_fail(STATUS_FAILED, &e);
	}
	status = run_program_image(o, &img, begin_us);
	if (s->taken)
		return finish(w, &d, &img);
	return status == STATUS_OK ? nothing_taken(o) : status;
}

/* What would change the program cannot: it is in the snapshot. */
static int refine(struct run_options *o, const struct wish *w)
{
	const struct refine f = {
		.path = o->path,
		.output = w->output ? w->output : o->path,
		.request = w->no_request       ? NULL :
			   w->snapshot.request ? w->snapshot.request :
						 "/",
	};
	struct err e;
	int r = snapshot_check_options(o, &e);

	if (r == 0 && (w->snapshot.mark || w->snapshot.warm_up || o->env.count))
		r = err_set(&e, EINVAL,
			    "%s is a snapshot already: only its working set "
			    "can be refined, with --request",
			    o->path);
	if (r == 0)
		r = refine_snapshot(&f, &e);
	if (r > 0)
		r = err_set(&e, ETIMEDOUT,
			    "a copy did not answer GET %s: the working set "
			    "stays as it was",
			    f.request);
	return r < 0 ? cmd_fail(STATUS_FAILED, &e) : STATUS_OK;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	static struct run_options o;
	static struct wish w;
	const struct run_more more = { .table = all_opts,
				       .take = take,
				       .arg = &w,
				       .words_between = true };
	uint64_t begin_us = run_now_us();
	struct err e;
	int status;

	merge_opts();
	if (run_options_parse_more(&o, argc, argv, &more, &e) < 0) {
		status = cmd_fail(STATUS_FAILED, &e);
	} else if (o.help) {
		cmd_print_help(cmd);
		status = STATUS_OK;
	} else if (!o.path) {
		log_say("nothing to take a snapshot of: mayfly snapshot needs "
			"a program or an image; see mayfly snapshot --help");
		status = STATUS_FAILED;
	} else if (snapshot_is_one(o.path)) {
		status = refine(&o, &w);
	} else {
		status = snapshot(&o, &w, begin_us);
	}
	run_options_fini(&o);
	return status;
}

const struct cmd cmd_snapshot = {
	.name = "snapshot",
	.usage = "[OPTIONS] SOURCE|IMAGE [-- ARGUMENT...]",
	.summary = "Boot a program once and keep it where it waits for work",
	.details =
		"The program runs until all its threads wait, one of them for "
		"work from outside:\na connection, a datagram, standard "
		"input; or until it writes to\n" MARK_PATH ". What it "
		"is then goes into FILE; mayfly run FILE\ngoes on from there, "
		"as often as is wanted. If IMAGE is a snapshot, its "
		"working set learns from\nanother --request.\n\n"
		"Exit status: 0 if FILE was written; 124 if the program did "
		"not come to that\npoint within --timeout (60s); else as of "
		"mayfly run.",
	.opts = all_opts,
	.run = run,
};
