/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop over all clones of a command: one epoll for their control
 * sockets, their doors and our signals. The upper half of an event's data
 * is the clone's index, the lower one of the numbers below, or what
 * cli/door.h knows.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/clone_group.h"
#include "cli/cmd.h"
#include "cli/report.h"
#include "cli/run.h"
#include "host/cleanup.h"
#include "launch/host_room.h"

#define NUMBER_CTL    0x10000u
#define NUMBER_SIGNAL 0x10001u
#define EVENTS_MAX    64

static uint64_t now_ms(void)
{
	return run_now_us() / 1000;
}

static int watch(struct clone_group *g, int fd, uint32_t index, uint32_t number)
{
	struct epoll_event ev = { .events = EPOLLIN,
				  .data.u64 = (uint64_t)index << 32 | number };

	return epoll_ctl(g->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

int clones_watch_init(struct clone_group *g)
{
	uint64_t ms = g->options->timeout_ms;

	g->deadline_ms = ms ? now_ms() + ms : UINT64_MAX;
	g->signal_fd = supervise_signals_init();
	if (g->signal_fd < 0)
		return g->signal_fd;
	g->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (g->epoll_fd < 0)
		return -errno;
	return watch(g, g->signal_fd, 0, NUMBER_SIGNAL);
}

int clones_watch_door(struct clone_group *g, struct clone *c, struct err *e)
{
	return door_open_in(&c->door, c->name, g->epoll_fd,
			    (uint32_t)(c - g->clones), e);
}

/* ---- signals and time ---------------------------------------------------- */

static const char *many(const struct clone_group *g)
{
	return g->alive == 1 ? "clone" : "clones";
}

static void note_status(struct clone_group *g, int status)
{
	if (g->status == STATUS_OK)
		g->status = status;
}

/* They are not reported one by one. */
static void kill_all(struct clone_group *g, int status)
{
	g->killed = g->stopping = true;
	note_status(g, status);
	for (uint32_t i = 0; i < g->started; i++)
		if (g->clones[i].pid > 0)
			kill(g->clones[i].pid, SIGKILL);
}

static void pass_on(const struct clone *c, uint32_t signal)
{
	const struct mf_ctl_command msg = { .kind = MF_CMD_SIGNAL,
					    .u.signal = signal };

	if (c->ctl >= 0)
		send(c->ctl, &msg, sizeof(msg), MSG_NOSIGNAL | MSG_DONTWAIT);
}

int clones_watch_add(struct clone_group *g, struct clone *c)
{
	for (uint32_t signal = 1; signal <= 64; signal++)
		if (g->signals >> (signal - 1) & 1)
			pass_on(c, signal);
	return watch(g, c->ctl, (uint32_t)(c - g->clones), NUMBER_CTL);
}

static void on_signal(struct clone_group *g)
{
	const uint64_t ending = 1ull << (SIGINT - 1) | 1ull << (SIGTERM - 1) |
				1ull << (SIGHUP - 1) | 1ull << (SIGQUIT - 1);
	struct signalfd_siginfo info;
	uint32_t signal, stop = g->img->manifest.stop_signal;

	if (read(g->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	signal = info.ssi_signo;
	if (ending >> (signal - 1) & 1)
		g->stopping = true;
	if (signal == SIGTERM && stop)
		signal = stop;
	if (info.ssi_signo == SIGINT && g->signals >> (signal - 1) & 1) {
		log_say("%u %s of %s killed at the second SIGINT", g->alive,
			many(g), g->options->path);
		kill_all(g, STATUS_SIGNAL + SIGINT);
		return;
	}
	g->signals |= 1ull << (signal - 1);
	for (uint32_t i = 0; i < g->started; i++)
		pass_on(&g->clones[i], signal);
}

static void on_deadline(struct clone_group *g)
{
	uint64_t ms = g->options->timeout_ms;

	g->deadline_ms = UINT64_MAX;
	log_say("%u %s of %s did not end within %llu.%03llu s and %s killed",
		g->alive, many(g), g->options->path,
		(unsigned long long)(ms / 1000),
		(unsigned long long)(ms % 1000),
		g->alive == 1 ? "was" : "were");
	kill_all(g, STATUS_TIMEOUT);
}

/* ---- one clone ----------------------------------------------------------- */

static void report(struct clone_group *g, const struct clone *c)
{
	static const struct outcome nothing; /* too large for a stack */
	struct report rep = { .name = c->name,
			      .img = g->img,
			      .options = g->options,
			      .substrate = g->base.substrate,
			      .out = c->out ? c->out : &nothing,
			      .one_of_many = true };
	int status = g->killed ? STATUS_OK : report_end(&rep);

	note_status(g, status);
}

/* Its end of the socket is closed. */
static void on_end(struct clone_group *g, struct clone *c)
{
	int status = 0;

	close(take_fd(&c->ctl));
	door_close(&c->door);
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	c->pid = 0;
	g->alive--;
	g->ready -= c->ready;
	if (!c->out)
		c->out = calloc(1, sizeof(*c->out));
	if (c->out) {
		c->out->monitor_status = status;
		c->out->signals = g->signals;
		c->out->host_oom = WIFSIGNALED(status) &&
				   WTERMSIG(status) == SIGKILL &&
				   host_room_oom_kills("") > g->oom_kills;
	}
	report(g, c);
	free(take_ptr(c->out));
}

/* Where all are that have not ended. */
static void say_ready(struct clone_group *g)
{
	uint64_t ms = (run_now_us() - g->begin_us) / 1000;

	if (g->said_ready || g->started < g->options->clones || !g->alive ||
	    g->ready < g->alive)
		return;
	g->said_ready = true;
	log_say("%u %s of %s ready after %llu.%03llu s", g->alive, many(g),
		g->options->path, (unsigned long long)(ms / 1000),
		(unsigned long long)(ms % 1000));
}

/* Few of them have something to tell at a time, and that is large. */
static void on_message(struct clone_group *g, struct clone *c)
{
	static struct outcome told;
	struct supervisor s = { .name = c->name,
				.ctl = c->ctl,
				.pid = c->pid,
				.out = c->out ? c->out : &told };

	if (s.out == &told)
		memset(&told, 0, sizeof(told));
	if (!supervise_event(&s)) {
		on_end(g, c);
		return;
	}
	if (s.out == &told && (told.exited || told.crashed)) {
		c->out = malloc(sizeof(*c->out));
		if (c->out)
			*c->out = told;
	}
	if (s.out->ready && !c->ready) {
		c->ready = true;
		g->ready++;
	}
}

/* ---- the loop ------------------------------------------------------------ */

static void on_event(struct clone_group *g, uint64_t data)
{
	uint32_t index = (uint32_t)(data >> 32), number = (uint32_t)data;
	struct clone *c = &g->clones[index];

	if (number == NUMBER_SIGNAL)
		on_signal(g);
	else if (number != NUMBER_CTL)
		door_event(&c->door, number);
	else if (c->ctl >= 0)
		on_message(g, c);
}

/* At least 0, or -1: no limit. */
static int wait_ms(const struct clone_group *g, int timeout_ms)
{
	uint64_t now, left;

	if (g->deadline_ms == UINT64_MAX)
		return timeout_ms;
	now = now_ms();
	left = g->deadline_ms > now ? g->deadline_ms - now : 0;
	if (timeout_ms >= 0 && left > (uint64_t)timeout_ms)
		return timeout_ms;
	return left > INT_MAX ? INT_MAX : (int)left;
}

int clones_watch(struct clone_group *g, int timeout_ms)
{
	struct epoll_event ev[EVENTS_MAX];
	int n = epoll_wait(g->epoll_fd, ev, EVENTS_MAX, wait_ms(g, timeout_ms));

	if (n < 0 && errno != EINTR)
		return -errno;
	if (g->deadline_ms != UINT64_MAX && now_ms() >= g->deadline_ms)
		on_deadline(g);
	for (int i = 0; i < n; i++)
		on_event(g, ev[i].data.u64);
	say_ready(g);
	return 0;
}

int clones_watch_all(struct clone_group *g)
{
	int r = 0;

	while (r == 0 && g->alive)
		r = clones_watch(g, -1);
	return r;
}
