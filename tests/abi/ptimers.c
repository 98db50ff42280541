/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers of timer_create(2): signals to the process and to a thread, values,
 * overruns, absolute times, and what bad arguments get.
 */
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "tests/abi/abi.h"

#define MS 1000000L

static volatile sig_atomic_t count, code, value, overruns_seen, tid;
static timer_t overrun_timer;

static void on_signal(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	count++;
	code = si->si_code;
	value = si->si_value.sival_int;
	if (sig == SIGRTMIN + 1 && si->si_overrun > overruns_seen &&
	    si->si_overrun == timer_getoverrun(overrun_timer))
		overruns_seen = si->si_overrun;
	tid = gettid();
}

static void catch_signal(int sig)
{
	struct sigaction sa = { .sa_sigaction = on_signal,
				.sa_flags = SA_SIGINFO };

	sigaction(sig, &sa, NULL);
}

static struct itimerspec spec(long first_ms, long every_ms)
{
	return (struct itimerspec){
		.it_value = { first_ms / 1000, first_ms % 1000 * MS },
		.it_interval = { every_ms / 1000, every_ms % 1000 * MS },
	};
}

static void wait_count(int n)
{
	for (int i = 0; i < 5000 && count < n; i++)
		usleep(1000);
}

static void block(int how, int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	pthread_sigmask(how, &set, NULL);
}

static void once(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
			       .sigev_signo = SIGUSR1,
			       .sigev_value.sival_int = 1234 };
	struct itimerspec its = spec(5, 0), old;
	timer_t t;

	count = 0;
	ret("create", timer_create(CLOCK_MONOTONIC, &ev, &t));
	ret("settime", timer_settime(t, 0, &its, &old));
	val("was stopped", old.it_value.tv_sec || old.it_value.tv_nsec);
	wait_count(1);
	usleep(20000);
	val("signals", count);
	yes("SI_TIMER", code == SI_TIMER);
	val("value", value);
	ret("gettime", timer_gettime(t, &its));
	val("is stopped", its.it_value.tv_sec || its.it_value.tv_nsec);
	its = spec(100000, 7000);
	ret("far", timer_settime(t, 0, &its, NULL));
	ret("gettime", timer_gettime(t, &its));
	yes("left", its.it_value.tv_sec > 90 && its.it_value.tv_sec <= 100);
	val("interval", its.it_interval.tv_sec);
	ret("delete", timer_delete(t));
	ret("again", timer_delete(t));
	its = spec(5, 0);
	ret("settime of none", timer_settime(t, 0, &its, NULL));
	ret("gettime of none", timer_gettime(t, &its));
	ret("getoverrun of none", timer_getoverrun(t));
}

static void periodic(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
			       .sigev_signo = SIGUSR1 };
	struct itimerspec its = spec(2, 2);
	struct timespec pause = { 0, 60 * MS };
	timer_t t;
	int before;

	count = 0;
	ret("create", timer_create(CLOCK_REALTIME, &ev, &t));
	ret("start", timer_settime(t, 0, &its, NULL));
	wait_count(5);
	yes("five times", count >= 5);
	block(SIG_BLOCK, SIGUSR1);
	before = count;
	while (nanosleep(&pause, &pause))
		;
	val("blocked", count - before);
	block(SIG_UNBLOCK, SIGUSR1);
	yes("one signal", count - before >= 1 && count - before <= 3);
	its = spec(0, 0);
	ret("stop", timer_settime(t, 0, &its, NULL));
	before = count;
	usleep(20000);
	val("stopped", count - before);
	ret("delete", timer_delete(t));
}

static void overruns(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
			       .sigev_signo = SIGRTMIN + 1 };
	struct itimerspec its = spec(1, 1);
	struct timespec pause = { 0, 50 * MS };
	timer_t t;

	count = 0;
	block(SIG_BLOCK, SIGRTMIN + 1);
	ret("create", timer_create(CLOCK_MONOTONIC, &ev, &t));
	overrun_timer = t;
	ret("start", timer_settime(t, 0, &its, NULL));
	nanosleep(&pause, NULL);
	block(SIG_UNBLOCK, SIGRTMIN + 1);
	block(SIG_BLOCK, SIGRTMIN + 1);
	yes("signals", count >= 1 && count <= 5);
	yes("overrun", overruns_seen >= 20);
	ret("delete", timer_delete(t));
}

static void *sleeper(void *arg)
{
	*(pid_t *)arg = gettid();
	wait_count(1);
	return NULL;
}

static void to_thread(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID,
			       .sigev_signo = SIGUSR1 };
	struct itimerspec its = spec(5, 0);
	volatile pid_t other = 0;
	pthread_t th;
	timer_t t;

	count = 0;
	pthread_create(&th, NULL, sleeper, (void *)&other);
	while (!other)
		usleep(100);
	/* The C libraries call the member by different names. */
	memcpy((char *)&ev + 16, (const void *)&other, sizeof(other));
	ret("create", timer_create(CLOCK_MONOTONIC, &ev, &t));
	ret("start", timer_settime(t, 0, &its, NULL));
	pthread_join(th, NULL);
	val("signals", count);
	yes("that thread", tid == other);
	ret("to a thread that ended", timer_create(CLOCK_MONOTONIC, &ev, &t));
}

static void absolute(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
			       .sigev_signo = SIGUSR1 };
	struct itimerspec its = { 0 };
	timer_t t;

	count = 0;
	ret("create", timer_create(CLOCK_REALTIME, &ev, &t));
	clock_gettime(CLOCK_REALTIME, &its.it_value);
	its.it_value.tv_sec -= 10;
	ret("in the past", timer_settime(t, TIMER_ABSTIME, &its, NULL));
	wait_count(1);
	val("fired", count);
	clock_gettime(CLOCK_REALTIME, &its.it_value);
	its.it_value.tv_sec += 1000;
	ret("in the future", timer_settime(t, TIMER_ABSTIME, &its, NULL));
	timer_gettime(t, &its);
	yes("left", its.it_value.tv_sec >= 990 && its.it_value.tv_sec <= 1000);
	val("not fired", count);
	ret("delete", timer_delete(t));
}

static void on_thread(union sigval v)
{
	value = v.sival_int;
	count++;
}

static void by_thread(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD,
			       .sigev_notify_function = on_thread,
			       .sigev_value.sival_int = 77 };
	struct itimerspec its = spec(5, 0);
	timer_t t;

	count = 0;
	ret("create", timer_create(CLOCK_MONOTONIC, &ev, &t));
	ret("start", timer_settime(t, 0, &its, NULL));
	wait_count(1);
	val("called", count);
	val("value", value);
	ret("delete", timer_delete(t));
}

static void bad(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
			       .sigev_signo = 65 };
	struct itimerspec its = spec(5, 0);
	int t = -1;

	ret("signal 65", syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &t));
	ev.sigev_signo = SIGUSR1;
	ev.sigev_notify = 9;
	ret("notify 9", syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &t));
	ret("clock 77", syscall(SYS_timer_create, 77, NULL, &t));
	ret("event",
	    syscall(SYS_timer_create, CLOCK_MONOTONIC, bad_pointer(), &t));
	ret("result",
	    syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, bad_pointer()));
	ev.sigev_notify = SIGEV_NONE;
	ret("none", syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &t));
	ret("no time", syscall(SYS_timer_settime, t, 0, NULL, NULL));
	ret("bad time", syscall(SYS_timer_settime, t, 0, bad_pointer(), NULL));
	its.it_value.tv_nsec = 1000 * MS;
	ret("nanoseconds", syscall(SYS_timer_settime, t, 0, &its, NULL));
	ret("of none", syscall(SYS_timer_gettime, -1, &its));
	ret("delete", syscall(SYS_timer_delete, t));
}

int main(void)
{
	catch_signal(SIGUSR1);
	catch_signal(SIGRTMIN + 1);
	once();
	periodic();
	overruns();
	to_thread();
	absolute();
	by_thread();
	bad();
	return 0;
}
