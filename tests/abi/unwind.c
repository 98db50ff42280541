/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unwinding from where a system call was: out of a signal handler that has
 * interrupted a blocked one, out of handlers at any instruction around short
 * ones, as a profiler does it, and by pthread_cancel with cleanups on the way.
 *
 * test: flavours glibc glibc-pie glibc-dyn
 * test: cflags -fexceptions -fno-omit-frame-pointer
 */
#include <poll.h>
#include <pthread.h>
#include <sys/time.h>
#include <time.h>
#include <unwind.h>

#include "tests/abi/abi.h"

#define DEEP __attribute__((noinline, noclone))

static int pipe_fds[2];
static void (*blocked_call)(void);
static volatile bool calling; /* blocked_call, any moment now */

/* ---- backtraces ---------------------------------------------------------- */

int main(void);
static void on_usr1(int sig);
static void on_alarm(int sig);
static DEEP int outer(void);
static DEEP int inner(void);
static DEEP int spin(void);

static const struct {
	const char *name;
	uintptr_t at;
} functions[] = {
#define F(f)                     \
	{                        \
#f, (uintptr_t)f \
	}
	F(main), F(on_usr1), F(on_alarm), F(outer), F(inner), F(spin),
#undef F
};

struct trace {
	char names[256];
	int depth;
};

static _Unwind_Reason_Code one_frame(struct _Unwind_Context *c, void *arg)
{
	struct trace *t = arg;
	int before;
	uintptr_t ip = _Unwind_GetIPInfo(c, &before), f;
	size_t at;

	f = (uintptr_t)_Unwind_FindEnclosingFunction(
		(void *)(before ? ip : ip - 1));
	t->depth++;
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		if (functions[i].at != f)
			continue;
		at = strlen(t->names);
		snprintf(t->names + at, sizeof(t->names) - at, " %s",
			 functions[i].name);
	}
	return t->depth < 64 ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static void take_trace(struct trace *t)
{
	memset(t, 0, sizeof(*t));
	_Unwind_Backtrace(one_frame, t);
}

/* ---- a call that blocks -------------------------------------------------- */

static void on_usr1(int sig)
{
	struct trace t;

	(void)sig;
	take_trace(&t);
	printf("  in the handler:%s\n", t.names);
	if (write(pipe_fds[1], "x", 1) != 1)
		printf("  write fails\n");
}

static DEEP int inner(void)
{
	calling = true;
	blocked_call();
	return 1;
}

static DEEP int outer(void)
{
	return inner() + 1;
}

static void call_read(void)
{
	char c;
	ssize_t n = read(pipe_fds[0], &c, 1);

	printf("  read: %zd\n", n);
}

static void call_poll(void)
{
	struct pollfd p = { .fd = pipe_fds[0], .events = POLLIN };
	int n = poll(&p, 1, 5000);

	ret("  poll", n);
	call_read();
}

static void call_nanosleep(void)
{
	struct timespec t = { 5, 0 };

	ret("  nanosleep", nanosleep(&t, NULL));
	call_read();
}

static void call_raw(void)
{
	char c;

	ret("  syscall", (int)syscall(SYS_read, pipe_fds[0], &c, 1));
}

static void *signaller(void *arg)
{
	struct timespec t = { 0, 100000000 };

	do
		nanosleep(&t, NULL);
	while (!calling);
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}

static void blocked(const char *name, void (*call)(void))
{
	pthread_t self = pthread_self(), t;

	printf("%s\n", name);
	blocked_call = call;
	calling = false;
	pthread_create(&t, NULL, signaller, &self);
	outer();
	pthread_join(t, NULL);
}

/* ---- a profiler ---------------------------------------------------------- */

#define TRACES 200

static volatile int taken, complete;

static void on_alarm(int sig)
{
	struct trace t;

	(void)sig;
	take_trace(&t);
	taken++;
	complete += strstr(t.names, " on_alarm") != NULL &&
		    strstr(t.names, " spin main") != NULL;
}

static DEEP int spin(void)
{
	while (taken < TRACES) {
		for (int i = 0; i < 1000; i++) {
			getppid();
			syscall(SYS_gettid);
			lseek(pipe_fds[0], 0, SEEK_CUR);
		}
	}
	return taken;
}

static void profile(void)
{
	struct itimerval v = { { 0, 1000 }, { 0, 1000 } };

	setitimer(ITIMER_REAL, &v, NULL);
}

static void profile_end(void)
{
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	yes("each trace reaches main", taken >= TRACES && complete == taken);
	if (complete != taken)
		printf("%d of %d\n", complete, taken);
}

/* ---- cancellation -------------------------------------------------------- */

static void cleanup(int *number)
{
	printf("  cleanup of %d\n", *number);
}

static void handler_cleanup(void *arg)
{
	printf("  handler of %s\n", (const char *)arg);
}

static DEEP int waits(int depth)
{
	int number __attribute__((cleanup(cleanup))) = depth;
	char c;

	if (depth)
		return waits(depth - 1) + 1;
	return (int)read(pipe_fds[0], &c, 1) + number;
}

static void *cancelled(void *arg)
{
	pthread_cleanup_push(handler_cleanup, arg);
	waits(3);
	pthread_cleanup_pop(0);
	return NULL;
}

static void cancel(void)
{
	struct timespec wait = { 0, 30000000 };
	void *result = NULL;
	pthread_t t;
	int r;

	pthread_create(&t, NULL, cancelled, "the thread");
	nanosleep(&wait, NULL);
	r = pthread_cancel(t);
	pthread_join(t, &result);
	ret("cancel", r);
	yes("it was cancelled", result == PTHREAD_CANCELED);
}

int main(void)
{
	struct sigaction sa = { .sa_flags = SA_RESTART };

	setvbuf(stdout, NULL, _IONBF, 0);
	if (pipe(pipe_fds) < 0)
		return 1;
	sa.sa_handler = on_usr1;
	sigaction(SIGUSR1, &sa, NULL);
	sa.sa_handler = on_alarm;
	sigaction(SIGALRM, &sa, NULL);
	blocked("read", call_read);
	blocked("poll", call_poll);
	blocked("nanosleep", call_nanosleep);
	blocked("syscall", call_raw);
	profile();
	spin();
	profile_end();
	cancel();
	return 0;
}
