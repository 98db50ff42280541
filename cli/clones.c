/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting clones: one after the other, without waiting for any. Ports are
 * bound and the snapshot is verified once; every clone gets duplicates of
 * the same descriptors, and one start message but for its identity.
 */
#include "cli/clones.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/clone_group.h"
#include "cli/cmd.h"
#include "cli/run.h"
#include "host/cleanup.h"
#include "launch/host_room.h"
#include "launch/paths.h"
#include "launch/start_message.h"

#define LOOK_EVERY 16 /* starts, for what has happened meanwhile */
#define BUSY_MS	   10
#define BUSY_TRIES 1000 /* of BUSY_MS */

/* ---- what cannot be had of many ------------------------------------------ */

static int check_options(const struct run_options *o, struct err *e)
{
	const char *what = o->egress.count ? "--egress" :
			   o->trace	   ? "mayfly trace" :
			   o->stats	   ? "--stats" :
			   o->restart	   ? "--restart" :
					     NULL;
	uint32_t i;

	if (what)
		return err_set(e, EINVAL,
			       "%s is for one instance and does not work with "
			       "--clones: leave one of them away",
			       what);
	for (i = 0; i < o->port_count; i++)
		if (o->ports[i].proto == IPPROTO_UDP)
			return err_set(e, EINVAL,
				       "clones cannot share port %u/udp, since "
				       "the next datagram of a client would "
				       "reach another one; publish tcp",
				       o->ports[i].host_port);
	if (o->name && strlen(o->name) + strlen("-10000") > MF_INST_NAME_MAX)
		return err_set(e, ENAMETOOLONG,
			       "the name %s is too long to be numbered: at "
			       "most %zu characters are possible with --clones",
			       o->name, MF_INST_NAME_MAX - strlen("-10000"));
	if (!snapshot_is_one(o->path))
		return err_set(e, EINVAL,
			       "%s is not a snapshot: --clones copies one; "
			       "mayfly snapshot takes it",
			       o->path);
	return 0;
}

/* ---- one clone ----------------------------------------------------------- */

/* What all start messages have in common, and what comes with them. */
struct clone_start {
	struct start_message message;
	int fds[START_MESSAGE_FDS_MAX];
	unsigned fd_count;
	const char *monitor;
};

static int prepare_message(struct clone_group *g, struct clone_start *s,
			   struct err *e)
{
	int r = start_message_init(&s->message, g->options, g->img, e);

	if (r < 0)
		return r;
	s->message.start->substrate = g->base.substrate;
	s->fds[s->fd_count++] = g->img->fd;
	if (g->base.kvm_fd >= 0) {
		start_message_add_kvm(&s->message, g->base.kvm_fd);
		s->fds[s->fd_count++] = g->base.kvm_fd;
	}
	for (uint32_t i = 0; i < g->base.port_count; i++)
		s->fds[s->fd_count++] = g->base.port_fds[i];
	s->fds[s->fd_count++] = g->options->snapshot->fd;
	return 0;
}

/*
 * Linux limits how many descriptors are on their way; those who have them
 * coming take them out soon.
 */
static int send_message(struct clone_group *g, const struct clone_start *s,
			int ctl)
{
	int r = 0;

	for (int i = 0; i < BUSY_TRIES; i++) {
		r = start_message_send(&s->message, ctl, s->fds, s->fd_count);
		if (r != -ETOOMANYREFS)
			return r;
		clones_watch(g, 0);
		usleep(BUSY_MS * 1000);
	}
	return r;
}

static int start_one(struct clone_group *g, struct clone_start *s,
		     struct err *e)
{
	struct clone *c = &g->clones[g->started];
	bool named = g->options->name != NULL;
	int ctl, r;

	r = start_message_rename(&s->message, named ? c->name : NULL, e);
	if (r < 0)
		return r;
	if (!named)
		snprintf(c->name, sizeof(c->name), "%s",
			 start_message_name(&s->message));
	r = launch_spawn_next(&c->pid, &ctl, s->monitor, e);
	if (r < 0)
		return r;
	g->started++;
	g->alive++;
	/* A monitor that is dead already: the watch says how it ended. */
	r = send_message(g, s, ctl);
	c->ctl = c->door.ctl = ctl;
	if (r == 0 || r == -EPIPE || r == -ECONNRESET)
		r = clones_watch_add(g, c);
	if (r < 0)
		return err_sys(e, -r, "cannot talk to the monitor");
	if (!named && clones_watch_door(g, c, e) < 0)
		c->door = (struct door)DOOR_CLOSED;
	return 0;
}

/* ---- all of them --------------------------------------------------------- */

/* Names that the user chose must be free before anything runs. */
static int take_names(struct clone_group *g, struct err *e)
{
	const struct run_options *o = g->options;
	int r;

	for (uint32_t i = 0; i < o->clones; i++) {
		struct clone *c = &g->clones[i];

		c->ctl = -1;
		c->door = (struct door)DOOR_CLOSED;
		if (!o->name)
			continue;
		snprintf(c->name, sizeof(c->name), "%s-%u", o->name, i + 1);
		r = clones_watch_door(g, c, e);
		if (r == -EEXIST)
			return r;
		if (r < 0 && i == 0)
			log_say("%s; mayfly trace will not find the clones of "
				"%s",
				e->text, o->name);
	}
	return 0;
}

static int start_all(struct clone_group *g, struct clone_start *s,
		     struct err *e)
{
	int r;

	while (g->started < g->options->clones && !g->stopping) {
		r = start_one(g, s, e);
		if (r < 0) {
			log_say("%u of %u clones could be started; they are "
				"ended again",
				g->started, g->options->clones);
			return r;
		}
		if (g->started % LOOK_EVERY == 0)
			clones_watch(g, 0);
	}
	/* Nobody else has them now: who connects to a port reaches a clone. */
	for (uint32_t i = 0; i < g->base.port_count; i++)
		close(g->base.port_fds[i]);
	g->base.port_count = 0;
	return 0;
}

/*
 * Clones do not read what is typed: one line would go to any of them, and a
 * monitor that lost it would wait. The number of the control socket must be
 * taken before anything of ours lands there.
 */
static int take_descriptors(struct err *e)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || dup2(fd, STDIN_FILENO) < 0 ||
	    (fd != MF_CTL_FD && dup3(STDIN_FILENO, MF_CTL_FD, O_CLOEXEC) < 0))
		return err_sys(e, errno, "cannot open /dev/null");
	if (fd != MF_CTL_FD)
		close(fd);
	return 0;
}

static void group_fini(struct clone_group *g)
{
	for (uint32_t i = 0; i < g->started; i++)
		if (g->clones[i].pid > 0)
			kill(g->clones[i].pid, SIGKILL);
	for (uint32_t i = 0; i < g->started; i++)
		while (g->clones[i].pid > 0 &&
		       waitpid(g->clones[i].pid, NULL, 0) < 0 && errno == EINTR)
			;
	for (uint32_t i = 0; g->clones && i < g->options->clones; i++) {
		door_close(&g->clones[i].door);
		if (g->clones[i].ctl >= 0)
			close(g->clones[i].ctl);
		free(g->clones[i].out);
	}
	free(g->clones);
	launch_fini(&g->base);
	if (g->epoll_fd >= 0)
		close(g->epoll_fd);
	if (g->signal_fd >= 0)
		close(g->signal_fd);
}

static int prepare(struct clone_group *g, struct run_options *o, struct err *e)
{
	int r;

	r = clones_watch_init(g);
	if (r < 0)
		return err_sys(e, -r, "cannot watch signals");
	r = launch_prepare(&g->base, o, g->img, e);
	if (r < 0)
		return r;
	launch_adopt_orphans(&g->base);
	g->oom_kills = host_room_oom_kills("");
	return take_names(g, e);
}

static int run(struct run_options *o, struct clone_group *g, struct err *e)
{
	static struct paths paths;
	struct clone_start s = { .fd_count = 0 };
	int r;

	r = paths_find(&paths, e);
	if (r == 0)
		r = prepare(g, o, e);
	if (r == 0)
		r = prepare_message(g, &s, e);
	if (r != 0)
		return r;
	s.monitor = paths.monitor;
	r = start_all(g, &s, e);
	start_message_fini(&s.message);
	if (r < 0)
		return r;
	r = clones_watch_all(g);
	return r < 0 ? err_sys(e, -r, "cannot watch the clones") : 0;
}

int clones_run(struct run_options *o, uint64_t begin_us)
{
	AUTO_IMAGE struct image img = { .fd = -1 };
	AUTO_SNAPSHOT struct snapshot snap = { .copy.fd = -1 };
	__attribute__((cleanup(group_fini))) struct clone_group g = {
		.options = o,
		.img = &img,
		.clones = calloc(o->clones, sizeof(struct clone)),
		.base = { .ctl = -1, .kvm_fd = -1 },
		.epoll_fd = -1,
		.signal_fd = -1,
		.begin_us = begin_us,
	};
	struct err e;
	int r;

	if (!g.clones) {
		err_set(&e, ENOMEM, "out of memory");
		return cmd_fail(STATUS_FAILED, &e);
	}
	for (uint32_t i = 0; i < o->clones; i++)
		g.clones[i].door.listen_fd = g.clones[i].ctl = -1;
	r = check_options(o, &e);
	if (r == 0)
		r = take_descriptors(&e);
	if (r == 0)
		r = run_open_snapshot(&img, &snap, o, &e);
	if (r == 0)
		r = clones_check_room(o, &snap, &e);
	if (r == 0)
		r = run(o, &g, &e);
	return r < 0 ? cmd_fail(STATUS_FAILED, &e) : g.status;
}
