/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alternate signal stacks: in the call's own terms, and for what they are
 * for, a stack that overflowed.
 *
 * test: hardware
 */
#include <pthread.h>
#include <sys/resource.h>

#include "tests/abi/abi.h"

static char stack[65536], other[65536];
static volatile int on_stack, count;
static sigjmp_buf out;

static bool is_on(const void *p, const char *s)
{
	return (uintptr_t)p >= (uintptr_t)s &&
	       (uintptr_t)p < (uintptr_t)s + sizeof(stack);
}

static void on_usr1(int sig)
{
	stack_t ss;
	int local;

	(void)sig;
	count++;
	sigaltstack(NULL, &ss);
	on_stack = is_on(&local, stack);
	yes("flag while on it", ss.ss_flags == SS_ONSTACK);
	ss.ss_sp = other;
	ss.ss_flags = 0;
	ret("change while on it", sigaltstack(&ss, NULL));
}

static void install(int sig, void (*fn)(int), int flags)
{
	struct sigaction sa = { .sa_handler = fn, .sa_flags = flags };

	sigaction(sig, &sa, NULL);
}

static void use_stack(char *sp)
{
	stack_t ss = { .ss_sp = sp, .ss_size = sizeof(stack) };

	sigaltstack(&ss, NULL);
}

static void the_call(void)
{
	stack_t ss, old;

	sigaltstack(NULL, &old);
	yes("disabled at first", old.ss_flags == SS_DISABLE);
	ss = (stack_t){ .ss_sp = stack, .ss_size = 100 };
	ret("too small", sigaltstack(&ss, NULL));
	ss = (stack_t){ .ss_sp = stack, .ss_size = 65536, .ss_flags = 77 };
	ret("bad flags", sigaltstack(&ss, NULL));
	ss.ss_flags = 0;
	ret("set", sigaltstack(&ss, &old));
	sigaltstack(NULL, &old);
	yes("get",
	    old.ss_sp == stack && old.ss_size == 65536 && old.ss_flags == 0);
	install(SIGUSR1, on_usr1, SA_ONSTACK);
	raise(SIGUSR1);
	yes("handler ran on it", on_stack);
	sigaltstack(NULL, &old);
	val("flag afterwards", old.ss_flags);
	yes("unchanged", old.ss_sp == stack);
	ss.ss_flags = SS_DISABLE;
	ret("disable", sigaltstack(&ss, NULL));
}

static void on_plain(int sig)
{
	int local;

	(void)sig;
	on_stack = is_on(&local, stack);
}

static void without(void)
{
	install(SIGUSR1, on_plain, SA_ONSTACK);
	raise(SIGUSR1);
	yes("disabled: on it", on_stack);
	use_stack(stack);
	install(SIGUSR1, on_plain, 0);
	raise(SIGUSR1);
	yes("without the flag: on it", on_stack);
	install(SIGUSR1, on_plain, SA_ONSTACK);
	raise(SIGUSR1);
	yes("with the flag: on it", on_stack);
}

static void on_overflow(int sig, siginfo_t *si, void *uc)
{
	int local;

	(void)sig;
	(void)si;
	(void)uc;
	count++;
	on_stack = is_on(&local, stack);
	siglongjmp(out, 1);
}

static volatile int depth_max = 1 << 30;

__attribute__((noinline)) static int recurse(int depth)
{
	volatile char big[1000];

	big[0] = (char)depth;
	if (depth == depth_max)
		return 0;
	return recurse(depth + 1) + big[0];
}

static void overflow(const char *name)
{
	struct sigaction sa = { .sa_sigaction = on_overflow,
				.sa_flags = SA_SIGINFO | SA_ONSTACK };

	sigaction(SIGSEGV, &sa, NULL);
	on_stack = 0;
	if (sigsetjmp(out, 1) == 0)
		recurse(1);
	yes(name, on_stack);
}

static void *thread_overflow(void *arg)
{
	stack_t ss;

	(void)arg;
	sigaltstack(NULL, &ss);
	yes("a new thread has none", ss.ss_flags == SS_DISABLE);
	use_stack(stack);
	overflow("overflow of a thread's stack");
	ss.ss_flags = SS_DISABLE;
	sigaltstack(&ss, NULL);
	return NULL;
}

static void threads(void)
{
	pthread_attr_t attr;
	pthread_t t;
	stack_t ss = { .ss_flags = SS_DISABLE };

	sigaltstack(&ss, NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 << 10);
	pthread_create(&t, &attr, thread_overflow, NULL);
	pthread_join(t, NULL);
	sigaltstack(NULL, &ss);
	yes("main has none still", ss.ss_flags == SS_DISABLE);
}

int main(void)
{
	struct rlimit rl = { 1 << 20, RLIM_INFINITY };

	abi_start();
	setrlimit(RLIMIT_STACK, &rl);
	the_call();
	without();
	count = 0;
	overflow("overflow of the main stack");
	overflow("a second time");
	val("overflows", count);
	threads();
	return 0;
}
