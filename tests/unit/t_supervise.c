/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a monitor as its parent hears of it. A process of ours stands
 * for the monitor; the real one is in tests/e2e.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/supervise.h"
#include "tests/unit/check.h"

static struct outcome out;

/* Says that the program exited with status 3, if it says anything, and ends
 * with a command unread. */
_Noreturn static void monitor(int ctl, bool says)
{
	static struct mf_ctl_event ev;

	ev.kind = MF_EV_EXITED;
	ev.u.exit.reason = MF_EXIT_FINISHED;
	ev.u.exit.status = 3 << 8;
	if (says && send(ctl, &ev, sizeof(ev), 0) != sizeof(ev))
		_exit(1);
	_exit(0);
}

static void end_with_unread_command(bool says)
{
	struct mf_ctl_command c = { .kind = MF_CMD_SIGNAL, .u.signal = 15 };
	struct supervisor s = { .out = &out };
	struct err e;
	int pair[2];

	memset(&out, 0, sizeof(out));
	check_int(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	check_int(send(pair[0], &c, sizeof(c), 0), sizeof(c));
	s.ctl = pair[0];
	s.signal_fd = supervise_signals_init();
	check_int(s.signal_fd >= 0, 1);
	s.pid = fork();
	check_int(s.pid >= 0, 1);
	if (s.pid == 0)
		monitor(pair[1], says);
	close(pair[1]);
	/* All that it leaves is there before the first look. */
	check_int(waitid(P_PID, (id_t)s.pid, NULL, WEXITED | WNOWAIT), 0);
	check_int(supervise(&s, &e), 0);
	close(pair[0]);
	close(s.signal_fd);
	check_int(out.exited, says);
	check_int(WIFEXITED(out.monitor_status), 1);
}

static void test_last_words(void)
{
	end_with_unread_command(true);
	check_int(out.exit.reason, MF_EXIT_FINISHED);
	check_int(WEXITSTATUS(out.exit.status), 3);
}

static void test_no_words(void)
{
	end_with_unread_command(false);
}

int main(void)
{
	RUN(test_last_words);
	RUN(test_no_words);
	return check_done();
}
