/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop between the start and the end of an instance. It waits for four
 * things at once: the monitor, signals, name servers, the deadline.
 */
#include "cli/supervise.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/cmd.h"

#define EVENT_TEXT_MAX 4096

static const int passed_on[] = {
	SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2,
};

struct event {
	struct mf_ctl_event ev;
	char text[EVENT_TEXT_MAX];
};

/*
 * A blocked signal is kept for the signalfd even while it is ignored. What
 * nohup asked for is left alone; SIGINT is not, because shells start every
 * background command with it ignored, and who sends it means it.
 */
int supervise_signals_init(void)
{
	struct sigaction old, ignore = { .sa_handler = SIG_IGN };
	sigset_t set;
	size_t i;
	int fd;

	sigemptyset(&set);
	for (i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		sigaddset(&set, passed_on[i]);
	sigaction(SIGHUP, NULL, &old);
	if (old.sa_handler == SIG_IGN)
		sigdelset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		sigaction(passed_on[i], &ignore, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL);
	return fd;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void on_signal(struct supervisor *s)
{
	struct signalfd_siginfo info;
	struct mf_ctl_command msg = { .kind = MF_CMD_SIGNAL };
	uint32_t signal;
	uint64_t bit;

	if (read(s->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	signal = info.ssi_signo;
	if (signal == SIGTERM && s->stop_signal)
		signal = s->stop_signal;
	bit = 1ull << (signal - 1);
	if (info.ssi_signo == SIGINT && (s->out->signals & bit)) {
		s->out->interrupted = true;
		kill(s->pid, SIGKILL);
		return;
	}
	s->out->signals |= bit;
	msg.u.signal = signal;
	send(s->ctl, &msg, sizeof(msg), MSG_NOSIGNAL);
}

static void on_event(struct supervisor *s, const struct event *m, size_t len)
{
	struct outcome *out = s->out;
	size_t text_len = m->ev.text_len;

	if (len < sizeof(m->ev) || text_len > len - sizeof(m->ev))
		return;
	switch (m->ev.kind) {
	case MF_EV_LOG:
		log_say("%s%s%.*s", s->name ? s->name : "", s->name ? ": " : "",
			(int)text_len, m->text);
		break;
	case MF_EV_READY:
		out->ready = true;
		break;
	case MF_EV_SHELL:
		s->waits = true;
		break;
	case MF_EV_CRASH:
		out->crashed = true;
		out->crash = m->ev.u.crash;
		out->backtrace_len = text_len;
		if (text_len <= sizeof(out->backtrace))
			memcpy(&out->backtrace, m->text, text_len);
		break;
	case MF_EV_SNAPSHOT:
		out->snapshot_taken = true;
		out->snapshot = m->ev.u.snapshot;
		break;
	case MF_EV_CONNECT:
		if (s->egress)
			egress_connect(s->egress, s->ctl, &m->ev.u.connect);
		break;
	case MF_EV_EXITED:
		out->exited = true;
		out->exit = m->ev.u.exit;
		snprintf(out->reason, sizeof(out->reason), "%.*s",
			 (int)text_len, m->text);
		break;
	default:
		break;
	}
}

bool supervise_event(struct supervisor *s)
{
	static struct event m; /* 8 KiB, too much for a stack frame */
	ssize_t n = recv(s->ctl, &m, sizeof(m), 0);

	/* A monitor that ended without reading our last command: once, then
	 * comes what it had said. */
	if (n < 0 && (errno == EINTR || errno == ECONNRESET))
		return true;
	if (n <= 0)
		return false;
	on_event(s, &m, (size_t)n);
	return true;
}

/* For poll(): until the deadline (UINT64_MAX: none), at least 0. */
static int wait_ms(uint64_t deadline_ms)
{
	uint64_t now;

	if (deadline_ms == UINT64_MAX)
		return -1;
	now = now_ms();
	if (now >= deadline_ms)
		return 0;
	return deadline_ms - now > INT_MAX ? INT_MAX : (int)(deadline_ms - now);
}

/* Sources are looked after before the end is noticed, so none is missed. */
static void serve_sources(struct supervisor *s, const struct pollfd *p)
{
	for (unsigned i = 0; i < s->source_count; i++) {
		struct supervise_source *from = &s->sources[i];

		if (p[i].revents && !from->ready(from->arg))
			from->fd = -1;
	}
}

static int loop(struct supervisor *s)
{
	uint64_t deadline_ms = UINT64_MAX;
	struct pollfd p[3 + SUPERVISE_SOURCES_MAX] = {
		{ .fd = s->ctl, .events = POLLIN },
		{ .fd = s->signal_fd, .events = POLLIN },
		{ .fd = s->egress ? egress_fd(s->egress) : -1,
		  .events = POLLIN },
	};

	if (s->timeout_ms)
		deadline_ms = now_ms() + s->timeout_ms;
	for (;;) {
		int n;

		for (unsigned i = 0; i < s->source_count; i++)
			p[3 + i] = (struct pollfd){ .fd = s->sources[i].fd,
						    .events = POLLIN };
		n = poll(p, 3 + s->source_count, wait_ms(deadline_ms));
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0 && now_ms() >= deadline_ms) {
			s->out->timed_out = true;
			deadline_ms = UINT64_MAX;
			kill(s->pid, SIGKILL);
		}
		if (n <= 0)
			continue;
		if (p[1].revents)
			on_signal(s);
		if (p[2].revents)
			egress_serve(s->egress);
		serve_sources(s, p + 3);
		if (p[0].revents && (!supervise_event(s) || s->waits))
			return 0;
	}
}

int supervise(struct supervisor *s, struct err *e)
{
	int r;

	r = loop(s);
	if (r < 0)
		return err_sys(e, -r, "cannot watch the monitor");
	if (s->waits)
		return 0;
	while (waitpid(s->pid, &s->out->monitor_status, 0) < 0) {
		if (errno != EINTR)
			return err_sys(e, errno,
				       "cannot wait for the "
				       "monitor");
	}
	s->pid = 0;
	return 0;
}
