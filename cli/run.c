/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens the image, starts the monitor, watches it, says how it ended. Lean on
 * purpose: everything here is part of every cold start.
 */
#include "cli/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/clones.h"
#include "cli/cmd.h"
#include "cli/door.h"
#include "cli/report.h"
#include "cli/run_options.h"
#include "cli/sealed.h"
#include "cli/supervise.h"
#include "host/cleanup.h"
#include "launch/late_env.h"
#include "launch/launch.h"
#include "launch/paths.h"
#include "launch/snapshot.h"

uint64_t run_now_us(void)
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

/*
 * The name must be free before the program starts if the user chose it; else
 * it is a random number, and making the socket for it can wait.
 */
static int open_door(struct door *d, const struct run_options *o,
		     const struct launch *l, struct err *e)
{
	int r = door_open(d, o->name ? o->name : l->name, e);

	if (r < 0 && r != -EEXIST) {
		if (o->name)
			log_say("%s; mayfly trace will not find %s", e->text,
				o->name);
		r = 0;
	}
	d->ctl = l->ctl;
	d->traced = o->trace != NULL;
	return r;
}

#define RESTART_WAIT_MS	    100
#define RESTART_WAIT_MS_MAX 12800
#define RESTART_LIVED_US    (10u * 1000 * 1000)

/* What there is of a running instance. */
struct running {
	struct launch launch;
	struct door door;
	struct trace_session *trace; /* or NULL */
	int signal_fd;
	uint64_t restarts; /* so far */
	int wait_ms; /* before the last of them */
};

static void running_fini(struct running *r)
{
	door_close(&r->door);
	launch_fini(&r->launch);
	if (r->signal_fd >= 0)
		close(r->signal_fd);
}

static int start(struct running *run, struct run_options *o,
		 const struct image *img, const struct paths *paths,
		 struct err *e)
{
	int r;

	if (run->signal_fd < 0)
		run->signal_fd = supervise_signals_init();
	if (run->signal_fd < 0)
		return err_sys(e, -run->signal_fd, "cannot watch signals");
	r = launch_prepare(&run->launch, o, img, e);
	if (r == 0)
		r = launch_spawn(&run->launch, paths->monitor, e);
	if (r == 0 && o->name)
		r = open_door(&run->door, o, &run->launch, e);
	if (r == 0)
		r = launch_send(&run->launch, o, img, e);
	if (r == 0 && !o->name)
		r = open_door(&run->door, o, &run->launch, e);
	if (run->trace)
		trace_session_started(run->trace);
	return r;
}

static void add_source(struct supervisor *s, int fd, bool (*ready)(void *),
		       void *arg)
{
	s->sources[s->source_count++] =
		(struct supervise_source){ fd, ready, arg };
}

/* By a signal that people end things with, or that the program died of. */
static bool was_told_to_end(const struct supervisor *s)
{
	const struct outcome *out = s->out;
	uint64_t ending = 1ull << (SIGINT - 1) | 1ull << (SIGTERM - 1) |
			  1ull << (SIGQUIT - 1);

	if (s->stop_signal)
		ending |= 1ull << (s->stop_signal - 1);
	if (out->exit.reason == MF_EXIT_SIGNAL && out->exit.status >= 1 &&
	    out->exit.status <= 64)
		ending |= 1ull << (out->exit.status - 1);
	return out->signals & ending;
}

/* Whether a program that has ended is to begin again. */
static bool wants_again(const struct run_options *o, const struct supervisor *s,
			uint64_t *count)
{
	const struct outcome *out = s->out;

	if (!o->restart || !out->exited || out->timed_out || out->interrupted ||
	    was_told_to_end(s) || out->exit.reason > MF_EXIT_PANIC)
		return false;
	return !o->restart_max || (*count)++ < o->restart_max;
}

/*
 * As docker does: who has failed, or ended before it had waited for work,
 * waits ever longer, unless it had lived for a while. False: a signal came.
 */
static bool wait_before_again(struct running *run, const struct report *rep,
			      int status, uint64_t lived_us)
{
	struct pollfd p = { .fd = run->signal_fd, .events = POLLIN };

	if (status == STATUS_OK && rep->out->ready)
		run->wait_ms = 0;
	else if (!run->wait_ms || lived_us > RESTART_LIVED_US)
		run->wait_ms = RESTART_WAIT_MS;
	else if (run->wait_ms < RESTART_WAIT_MS_MAX)
		run->wait_ms *= 2;
	if (status != STATUS_OK)
		log_say("%s begins again in %d ms", rep->name, run->wait_ms);
	return !run->wait_ms || poll(&p, 1, run->wait_ms) == 0;
}

/* Until the monitor has ended, or the program and none is to follow. */
static int watch_all(struct report *rep, struct running *run,
		     struct supervisor *s, bool *ret_again)
{
	struct outcome *out = s->out;
	struct err e;
	int status;

	for (;;) {
		uint64_t begin_us = run_now_us();

		memset(out, 0, sizeof(*out));
		s->waits = false;
		if (supervise(s, &e) < 0) {
			*ret_again = false;
			return cmd_fail(STATUS_FAILED, &e);
		}
		run->launch.pid = s->pid;
		if (run->trace)
			trace_session_end(run->trace, true);
		status = report_end(rep);
		*ret_again = wants_again(rep->options, s, &run->restarts) &&
			     wait_before_again(run, rep, status,
					       run_now_us() - begin_us);
		if (!*ret_again || !s->waits)
			return status;
		if (launch_send_again(&run->launch, rep->options, &e) < 0)
			return cmd_fail(STATUS_FAILED, &e);
	}
}

static int watch(struct report *rep, struct running *run, uint64_t begin_us,
		 bool *ret_again)
{
	static struct outcome out; /* the statistics are large */
	struct supervisor s = { .ctl = run->launch.ctl,
				.signal_fd = run->signal_fd,
				.pid = run->launch.pid,
				.egress = run->launch.egress,
				.out = &out,
				.stop_signal = rep->img->manifest.stop_signal,
				.timeout_ms = rep->options->timeout_ms };
	int status;

	rep->out = &out;
	rep->substrate = run->launch.substrate;
	add_source(&s, run->door.epoll_fd, door_serve, &run->door);
	if (run->trace)
		add_source(&s, run->trace->read_fd, trace_session_read,
			   run->trace);
	status = watch_all(rep, run, &s, ret_again);
	door_close(&run->door);
	rep->times.total_us = run_now_us() - begin_us;
	if (rep->options->snapshot) {
		rep->options->snapshot->taken = out.snapshot_taken;
		rep->options->snapshot->facts = out.snapshot;
	}
	if (rep->options->stats)
		report_stats(rep, status);
	return status;
}

int run_open_snapshot(struct image *img, struct snapshot *snap,
		      struct run_options *o, struct err *e)
{
	int r = snapshot_check_options(o, e);

	if (r == 0)
		r = snapshot_open(snap, o->path, e);
	if (r == 0)
		r = late_env_check(snap->header.late_env, o->path, &o->env, e);
	if (r == 0)
		r = snapshot_check_substrate(snap, o->substrate, e);
	if (r == 0)
		r = snapshot_open_image(snap, img, e);
	if (r == 0) {
		o->snapshot = &snap->copy;
		o->keep = o->restart;
		o->substrate = snap->copy.facts.substrate;
	}
	return r;
}

static int run_in(struct run_options *o, struct trace_session *trace,
		  struct image *img, uint64_t begin_us)
{
	static struct paths paths;
	__attribute__((cleanup(running_fini))) struct running run = {
		.launch = { .ctl = -1, .kvm_fd = -1 },
		.door = DOOR_CLOSED,
		.trace = trace,
		.signal_fd = -1,
	};
	struct report rep = { .name = o->name ? o->name : base_name(o->path),
			      .img = img,
			      .options = o };
	AUTO_SNAPSHOT struct snapshot snap = { .copy.fd = -1 };
	uint64_t opened_us;
	struct err e;
	int status = STATUS_FAILED, r;
	bool again = false;

	if (paths_find(&paths, &e) < 0)
		return cmd_fail(STATUS_FAILED, &e);
	if (o->snapshot || !snapshot_is_one(o->path))
		r = sealed_open(img, o->path, &paths, &status, &e);
	else
		r = run_open_snapshot(img, &snap, o, &e);
	if (r < 0)
		return cmd_fail(status, &e);
	opened_us = run_now_us();
	rep.times.open_us = opened_us - begin_us;
	do {
		if (start(&run, o, img, &paths, &e) < 0)
			return cmd_fail(STATUS_FAILED, &e);
		rep.times.spawn_us = run_now_us() - opened_us;
		status = watch(&rep, &run, begin_us, &again);
		launch_fini(&run.launch);
	} while (again);
	return status;
}

int run_program(struct run_options *o, struct trace_session *trace,
		uint64_t begin_us)
{
	AUTO_IMAGE struct image img = { .fd = -1 };

	if (o->clones > 1)
		return clones_run(o, begin_us);
	return run_in(o, trace, &img, begin_us);
}

int run_program_image(struct run_options *o, struct image *ret_img,
		      uint64_t begin_us)
{
	return run_in(o, NULL, ret_img, begin_us);
}
