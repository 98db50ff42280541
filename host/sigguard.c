/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holds back the signals that end a process while files are half-written.
 * Child processes get the old mask, so that Ctrl-C still ends them.
 */
#include "host/sigguard.h"

static struct {
	unsigned depth;
	sigset_t old;
	struct sigaction old_xfsz;
} outermost;

void sigguard_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGQUIT);
}

void sigguard_init(struct sigguard *g)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;

	if (outermost.depth++ == 0) {
		sigguard_set(&set);
		sigprocmask(SIG_BLOCK, &set, &outermost.old);
		sigaction(SIGXFSZ, &ignore, &outermost.old_xfsz);
	}
	g->old = outermost.old;
	g->active = true;
}

bool sigguard_hit(void)
{
	sigset_t pending;

	sigpending(&pending);
	return sigismember(&pending, SIGINT) ||
	       sigismember(&pending, SIGTERM) ||
	       sigismember(&pending, SIGHUP) || sigismember(&pending, SIGQUIT);
}

void sigguard_fini(struct sigguard *g)
{
	if (!g->active)
		return;
	g->active = false;
	if (--outermost.depth > 0)
		return;
	sigaction(SIGXFSZ, &outermost.old_xfsz, NULL);
	sigprocmask(SIG_SETMASK, &outermost.old, NULL);
}
