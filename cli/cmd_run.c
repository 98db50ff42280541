/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly run. Lean on purpose: everything here is part of every cold start.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/cmd.h"
#include "cli/launch.h"
#include "cli/paths.h"
#include "cli/report.h"
#include "cli/run_options.h"
#include "cli/sealed.h"
#include "cli/supervise.h"
#include "host/cleanup.h"

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Prepared and spawned; *ret belongs to the caller in any case. */
static int start(struct launch *ret, struct run_options *o,
		 const struct image *img, const struct paths *paths,
		 struct err *e)
{
	int r;

	r = launch_prepare(ret, o, img, e);
	if (r == 0)
		r = launch_spawn(ret, paths->monitor, e);
	if (r == 0)
		r = launch_send(ret, o, img, e);
	return r;
}

static int watch(struct report *rep, struct launch *l, int signal_fd,
		 uint64_t begin_us)
{
	static struct outcome out; /* the statistics are large */
	struct supervisor s = { .ctl = l->ctl,
				.signal_fd = signal_fd,
				.pid = l->pid,
				.egress = l->egress,
				.out = &out,
				.timeout_ms = rep->options->timeout_ms };
	struct err e;
	int r, status;

	r = supervise(&s, &e);
	l->pid = s.pid;
	if (r < 0)
		return cmd_fail(STATUS_FAILED, &e);
	rep->out = &out;
	rep->substrate = l->substrate;
	rep->times.total_us = now_us() - begin_us;
	status = report_end(rep);
	if (rep->options->stats)
		report_stats(rep, status);
	return status;
}

static int run_image(struct run_options *o, const struct paths *paths,
		     uint64_t begin_us)
{
	AUTO_IMAGE struct image img = { .fd = -1 };
	AUTO_LAUNCH struct launch l = { .ctl = -1, .kvm_fd = -1 };
	AUTO_CLOSE int signal_fd = -1;
	struct report rep = { .name = o->name ? o->name : base_name(o->path),
			      .img = &img,
			      .options = o };
	uint64_t opened_us;
	struct err e;
	int status;

	if (sealed_open(&img, o->path, paths, &status, &e) < 0)
		return cmd_fail(status, &e);
	opened_us = now_us();
	signal_fd = supervise_signals_init();
	if (signal_fd < 0) {
		err_sys(&e, -signal_fd, "cannot watch signals");
		return cmd_fail(STATUS_FAILED, &e);
	}
	if (start(&l, o, &img, paths, &e) < 0)
		return cmd_fail(STATUS_FAILED, &e);
	rep.times.open_us = opened_us - begin_us;
	rep.times.spawn_us = now_us() - opened_us;
	return watch(&rep, &l, signal_fd, begin_us);
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	static struct run_options o;
	static struct paths paths;
	uint64_t begin_us = now_us();
	struct err e;
	int status;

	if (run_options_parse(&o, argc, argv, &e) < 0 ||
	    (!o.help && paths_find(&paths, &e) < 0)) {
		status = cmd_fail(STATUS_FAILED, &e);
	} else if (o.help) {
		cmd_print_help(cmd);
		status = STATUS_OK;
	} else {
		status = run_image(&o, &paths, begin_us);
	}
	run_options_fini(&o);
	return status;
}

const struct cmd cmd_run = {
	.name = "run",
	.usage = "[OPTIONS] SOURCE|IMAGE [ARGUMENT...]",
	.summary = "Run a program or an image in a virtual machine",
	.details =
		"SOURCE is what mayfly build takes: a program, a script, a "
		"directory, a reference.\nIt is sealed into an image at its "
		"first run, which later runs reuse until it\nchanges. "
		"Input, output and exit status are the "
		"program's. Ctrl-C sends SIGINT, a second\none kills; other "
		"signals are passed on.\n\n"
		"Exit status: the program's; 128+N if signal N ended it; 124 "
		"after --timeout;\n125 if mayfly failed or was misused; 126 "
		"if the file cannot be run; 127 if it\nis not there; 137 if "
		"memory ran out.",
	.opts = run_opts,
	.run = run,
};
