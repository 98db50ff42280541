/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a handler starts with and what a temporary mask covers: fresh vector
 * and x87 state, the code of each floating-point exception, and calls that
 * return a result although a signal waits.
 */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <xmmintrin.h>

#include "tests/abi/abi.h"
#include "tests/abi/x86.h"

static volatile unsigned seen_csr;
static volatile int calls;
static sigjmp_buf out;

static void on_look(int sig)
{
	(void)sig;
	calls++;
	seen_csr = _mm_getcsr();
}

static void on_fpe(int sig, siginfo_t *si, void *uc)
{
	volatile long double x87_zero = 0, x87_one = 1;
	volatile double zero = 0, one = 1;

	(void)uc;
	/* Neither of these may fault again. */
	x87_one = x87_one / x87_zero;
	one = one / zero;
	say("exception", "%s %s", sig_name(sig),
	    si_code_name(sig, si->si_code));
	siglongjmp(out, 1);
}

static void handler_state(void)
{
	struct sigaction sa = { .sa_handler = on_look };

	sigaction(SIGUSR1, &sa, NULL);
	_mm_setcsr(0x7f80);
	raise(SIGUSR1);
	say("mxcsr in the handler", "%#x", seen_csr);
	say("mxcsr afterwards", "%#x", _mm_getcsr());
	_mm_setcsr(0x1f80);
}

static void exceptions(void)
{
	struct sigaction sa = { .sa_sigaction = on_fpe,
				.sa_flags = SA_SIGINFO };

	sigaction(SIGFPE, &sa, NULL);
	if (!sigsetjmp(out, 1))
		sse_divide_unmasked();
	_mm_setcsr(0x1f80);
	if (!sigsetjmp(out, 1))
		x87_divide_unmasked();
	x87_init();
	if (!sigsetjmp(out, 1))
		x87_invalid_unmasked();
	x87_init();
}

static void say_call(const char *name, int r)
{
	say(name, "%s, handler %d",
	    r < 0 ? err_name(errno) :
	    r	  ? "1" :
		    "0",
	    calls);
	calls = 0;
}

static void temporary_masks(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct timespec second = { 1, 0 }, none = { 0, 0 };
	struct pollfd pf = { .events = POLLIN };
	int ep = epoll_create1(0), p[2];
	sigset_t block, empty;
	fd_set set;

	if (pipe(p) < 0 || write(p[1], "x", 1) != 1)
		_exit(1);
	pf.fd = p[0];
	epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev);
	sigemptyset(&empty);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGUSR1);
	calls = 0;
	say_call("ppoll ready", ppoll(&pf, 1, &second, &empty));
	FD_ZERO(&set);
	FD_SET(p[0], &set);
	say_call("pselect ready",
		 pselect(p[0] + 1, &set, NULL, NULL, &second, &empty));
	say_call("epoll_pwait ready", epoll_pwait(ep, &ev, 1, 1000, &empty));
	if (read(p[0], &set, 1) != 1)
		_exit(1);
	say_call("ppoll at once", ppoll(&pf, 1, &none, &empty));
	raise(SIGUSR1);
	say_call("ppoll waiting", ppoll(&pf, 1, &second, &empty));
	raise(SIGUSR1);
	FD_ZERO(&set);
	FD_SET(p[0], &set);
	say_call("pselect at once",
		 pselect(p[0] + 1, &set, NULL, NULL, &none, &empty));
	sigprocmask(SIG_UNBLOCK, &block, NULL);
	say_call("unblocked", 0);
}

int main(void)
{
	abi_start();
	handler_state();
	exceptions();
	temporary_masks();
	return 0;
}
