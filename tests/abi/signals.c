/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals between a program and itself: handlers, masks, flags, order,
 * waiting for them.
 *
 * test: flavours musl glibc glibc-pie
 * test: hardware
 */
#include <time.h>

#include "tests/abi/abi.h"

static volatile int count, depth, depth_max, order[16], orders;
static volatile int last_code, last_value, last_pid_ok;

static void install(int sig, void (*fn)(int), int flags)
{
	struct sigaction sa = { .sa_handler = fn, .sa_flags = flags };

	sigaction(sig, &sa, NULL);
}

static void on_count(int sig)
{
	if (orders < 16)
		order[orders++] = sig;
	count++;
}

static void on_info(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	(void)sig;
	last_code = si->si_code;
	last_value = si->si_value.sival_int;
	last_pid_ok = si->si_pid == getpid();
}

static void actions(void)
{
	struct sigaction sa, old;

	ret("get SIGUSR1", sigaction(SIGUSR1, NULL, &old));
	yes("default at first", old.sa_handler == SIG_DFL);
	install(SIGUSR1, on_count, SA_RESTART);
	ret("raise", raise(SIGUSR1));
	val("handled", count);
	sigaction(SIGUSR1, NULL, &old);
	yes("get it back", old.sa_handler == on_count);
	yes("flags too", (old.sa_flags & SA_RESTART) != 0);
	sa = (struct sigaction){ .sa_handler = on_count };
	ret("SIGKILL", sigaction(SIGKILL, &sa, NULL));
	ret("SIGSTOP", sigaction(SIGSTOP, &sa, NULL));
	ret("signal 0", sigaction(0, &sa, NULL));
	ret("signal 65", sigaction(65, &sa, NULL));
	install(SIGUSR1, SIG_IGN, 0);
	ret("raise ignored", raise(SIGUSR1));
	val("not handled", count);
	ret("default ignored: SIGCHLD", raise(SIGCHLD));
	ret("default ignored: SIGURG", raise(SIGURG));
	ret("default ignored: SIGWINCH", raise(SIGWINCH));
	ret("default ignored: SIGCONT", raise(SIGCONT));
}

static void on_nested(int sig)
{
	depth++;
	if (depth > depth_max)
		depth_max = depth;
	if (count++ < 3)
		raise(sig);
	depth--;
}

static void flags(void)
{
	struct sigaction old;

	count = depth_max = 0;
	install(SIGUSR1, on_nested, 0);
	raise(SIGUSR1);
	val("blocked in its own handler, depth", depth_max);
	val("and run", count);
	count = depth_max = 0;
	install(SIGUSR1, on_nested, SA_NODEFER);
	raise(SIGUSR1);
	val("SA_NODEFER, depth", depth_max);
	count = 0;
	install(SIGUSR1, on_count, SA_RESETHAND);
	raise(SIGUSR1);
	sigaction(SIGUSR1, NULL, &old);
	yes("SA_RESETHAND", count == 1 && old.sa_handler == SIG_DFL);
}

static void info(void)
{
	struct sigaction sa = { .sa_sigaction = on_info,
				.sa_flags = SA_SIGINFO };

	sigaction(SIGUSR2, &sa, NULL);
	ret("kill self", kill(getpid(), SIGUSR2));
	say("its code", "%s", si_code_name(0, last_code));
	yes("its pid", last_pid_ok);
	ret("tgkill",
	    syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR2));
	say("its code", "%s", si_code_name(0, last_code));
	ret("sigqueue",
	    sigqueue(getpid(), SIGUSR2, (union sigval){ .sival_int = 4242 }));
	say("its code", "%s", si_code_name(0, last_code));
	val("its value", last_value);
	ret("kill 0 signal", kill(getpid(), 0));
	ret("kill bad signal", kill(getpid(), 65));
	ret("tgkill bad tid", syscall(SYS_tgkill, getpid(), 0x3ffffff0, 0));
	ret("tgkill tid 0", syscall(SYS_tgkill, getpid(), 0, SIGUSR1));
	ret("tgkill bad signal",
	    syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), 99));
}

static void masks(void)
{
	sigset_t set, old, pending;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	install(SIGUSR1, on_count, 0);
	count = 0;
	ret("block", sigprocmask(SIG_BLOCK, &set, &old));
	yes("old mask empty", !sigismember(&old, SIGUSR1));
	raise(SIGUSR1);
	raise(SIGUSR1);
	val("held", count);
	ret("sigpending", sigpending(&pending));
	val("pending", sigismember(&pending, SIGUSR1));
	val("other pending", sigismember(&pending, SIGUSR2));
	ret("unblock", sigprocmask(SIG_UNBLOCK, &set, &old));
	val("was blocked", sigismember(&old, SIGUSR1));
	val("delivered once", count);
	sigprocmask(SIG_SETMASK, &set, NULL);
	raise(SIGUSR1);
	install(SIGUSR1, SIG_IGN, 0);
	sigpending(&pending);
	val("ignoring drops it", sigismember(&pending, SIGUSR1));
	ret("bad how", sigprocmask(77, &set, NULL));
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	sigaddset(&set, SIGKILL);
	sigprocmask(SIG_SETMASK, &set, NULL);
	sigprocmask(SIG_SETMASK, NULL, &old);
	val("SIGKILL cannot be blocked", sigismember(&old, SIGKILL));
}

static void handler_masks(void)
{
	struct sigaction sa = { .sa_handler = on_count };
	sigset_t set, empty;

	sigemptyset(&empty);
	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	sigfillset(&sa.sa_mask);
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	raise(SIGTERM);
	raise(SIGUSR2);
	raise(SIGUSR1);
	raise(SIGHUP);
	orders = 0;
	sigprocmask(SIG_SETMASK, &empty, NULL);
	say("lowest first", "%s %s %s %s", sig_name(order[0]),
	    sig_name(order[1]), sig_name(order[2]), sig_name(order[3]));
}

static void realtime(void)
{
	struct sigaction sa = { .sa_sigaction = on_info,
				.sa_flags = SA_SIGINFO };
	sigset_t set;
	siginfo_t si;
	struct timespec zero = { 0, 0 };
	int rt = SIGRTMIN + 3;

	sigaction(rt, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, rt);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 1; i <= 3; i++)
		sigqueue(getpid(), rt, (union sigval){ .sival_int = i });
	for (int i = 1; i <= 3; i++) {
		int got = sigtimedwait(&set, &si, &zero);

		say("queued", "%s %d", got == rt ? "ok" : "no",
		    si.si_value.sival_int);
	}
	ret("queue is empty", sigtimedwait(&set, &si, &zero));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void waiting(void)
{
	struct timespec soon = { 0, 5000000 };
	sigset_t set, none;
	siginfo_t si;
	int sig = 0;

	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ret("sigtimedwait times out", sigtimedwait(&set, &si, &soon));
	raise(SIGUSR2);
	raise(SIGUSR1);
	say("sigtimedwait", "%s", sig_name(sigtimedwait(&set, &si, &soon)));
	say("sigwaitinfo", "%s", sig_name(sigwaitinfo(&set, &si)));
	say("its code", "%s", si_code_name(0, si.si_code));
	raise(SIGUSR1);
	err("sigwait", sigwait(&set, &sig));
	say("which", "%s", sig_name(sig));
	install(SIGUSR1, on_count, 0);
	count = 0;
	raise(SIGUSR1);
	val("before sigsuspend", count);
	ret("sigsuspend", sigsuspend(&none));
	val("after sigsuspend", count);
	sigprocmask(SIG_BLOCK, NULL, &none);
	val("mask is restored", sigismember(&none, SIGUSR1));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int main(void)
{
	abi_start();
	actions();
	flags();
	info();
	masks();
	handler_masks();
	realtime();
	waiting();
	return 0;
}
