/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracer's end of an instance's door: asks for the trace, prints what
 * comes, and lets go when the user interrupts. The instance goes on then.
 */
#include "cli/attach.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/fd_message.h"
#include "host/cleanup.h"

#define ANSWER_MS 5000
#define DETACH_MS 1000 /* of silence; a second Ctrl-C is quicker */

static int ask(int conn, const char *name, const struct trace_session *s,
	       struct err *e)
{
	struct mf_inst_request q = { .version = MF_INST_VERSION,
				     .kind = MF_INST_TRACE,
				     .trace = s->run.config };
	struct pollfd p = { .fd = conn, .events = POLLIN };
	struct mf_inst_reply a;
	ssize_t n;
	int r;

	r = fd_message_send(conn, &q, sizeof(q), s->run.fd);
	if (r < 0)
		return err_sys(e, -r, "cannot talk to the instance %s", name);
	if (poll(&p, 1, ANSWER_MS) == 0)
		return err_set(e, ETIMEDOUT, "the instance %s does not answer",
			       name);
	n = recv(conn, &a, sizeof(a), 0);
	if (n != sizeof(a) || a.version != MF_INST_VERSION)
		return err_set(e, EPROTO,
			       "the instance %s was started by another "
			       "version of mayfly, or is ending",
			       name);
	a.text[sizeof(a.text) - 1] = '\0';
	return a.error ? err_set(e, EPROTO, "%s", a.text) : 0;
}

/* Ctrl-C and the like, to be looked at beside the trace. */
static int watch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* True if the user wants no more, or nothing came for so long (-1: ever). */
static bool show(struct trace_session *s, int signal_fd, int timeout_ms)
{
	struct signalfd_siginfo info;
	struct pollfd p[] = {
		{ .events = POLLIN },
		{ .fd = signal_fd, .events = POLLIN },
	};

	for (;;) {
		int n;

		p[0].fd = s->read_fd;
		n = poll(p, 2, timeout_ms);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0 || p[1].revents)
			return n == 0 ||
			       read(signal_fd, &info, sizeof(info)) > 0;
		if (p[0].revents && !trace_session_read(s))
			return false;
	}
}

int attach_trace(const char *name, int conn, const struct trace_options *o)
{
	AUTO_CLOSE int signal_fd = watch_signals();
	static struct trace_session s;
	int status = STATUS_OK;
	bool detached;
	struct err e;

	if (trace_session_init(&s, o, &e) < 0 || ask(conn, name, &s, &e) < 0) {
		status = cmd_fail(STATUS_FAILED, &e);
		close(conn);
		trace_session_fini(&s);
		return status;
	}
	trace_session_started(&s);
	log_say("attached to %s; Ctrl-C detaches", name);
	detached = show(&s, signal_fd, -1);
	close(conn);
	/* What is on its way, to the end of file, unless that is too long. */
	if (detached)
		show(&s, signal_fd, DETACH_MS);
	trace_session_end(&s, false);
	if (detached) {
		log_say("detached from %s", name);
	} else if (!trace_session_began(&s) && !s.failed) {
		log_say("the guest of %s cannot be traced: it has no memory "
			"left for it",
			name);
		status = STATUS_FAILED;
	}
	if (s.failed)
		status = STATUS_FAILED;
	trace_session_fini(&s);
	return status;
}
