/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers that send signals: timer_create and its kin on all clocks, interval
 * timers that count CPU time, clocks of threads and of the process.
 */
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

#include "tests/abi/abi.h"

#define MS 1000000LL

static int64_t now(clockid_t clock)
{
	struct timespec ts = { 0 };

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static struct timespec as_ts(int64_t ns)
{
	return (struct timespec){ ns / 1000000000, ns % 1000000000 };
}

/* Raw: C libraries differ in what a timer_t is. */
static int create(clockid_t clock, void *ev)
{
	int id = -1;

	return syscall(SYS_timer_create, clock, ev, &id) < 0 ? -1 : id;
}

static int set(int id, int flags, int64_t first, int64_t every)
{
	struct itimerspec it = { as_ts(every), as_ts(first) };

	return (int)syscall(SYS_timer_settime, id, flags, &it, NULL);
}

static int64_t left(int id)
{
	struct itimerspec it = { 0 };

	if (syscall(SYS_timer_gettime, id, &it) < 0)
		return -1;
	return it.it_value.tv_sec * 1000000000LL + it.it_value.tv_nsec;
}

static struct sigevent event(int how, int sig)
{
	struct sigevent ev = { .sigev_notify = how, .sigev_signo = sig };

	ev.sigev_value.sival_int = 4711;
	return ev;
}

static sigset_t only(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	return set;
}

/* Takes a blocked signal; -1 if none comes within five seconds. */
static int await(int sig, siginfo_t *si)
{
	sigset_t set = only(sig);
	struct timespec five = { 5, 0 };

	return sigtimedwait(&set, si, &five);
}

static void errors(void)
{
	struct sigevent ev = event(SIGEV_SIGNAL, 0);
	struct itimerspec it = { { 0, 0 }, { 0, 1000000000 } };
	int id;

	ret("bad clock", create(77, NULL));
	ret("coarse clock", create(CLOCK_MONOTONIC_COARSE, NULL));
	ret("raw clock", create(CLOCK_MONOTONIC_RAW, NULL));
	ret("signal 0", create(CLOCK_MONOTONIC, &ev));
	ev.sigev_signo = 65;
	ret("signal 65", create(CLOCK_MONOTONIC, &ev));
	ev = event(3, SIGUSR1);
	ret("notify 3", create(CLOCK_MONOTONIC, &ev));
	ev = event(SIGEV_THREAD_ID, SIGUSR1);
	ret("no such thread", create(CLOCK_MONOTONIC, &ev));
	ret("bad event", create(CLOCK_MONOTONIC, bad_pointer()));
	ret("bad result",
	    syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, bad_pointer()));
	id = create(CLOCK_MONOTONIC, NULL);
	ret("bad time", syscall(SYS_timer_settime, id, 0, &it, NULL));
	ret("no time", syscall(SYS_timer_settime, id, 0, NULL, NULL));
	ret("bad pointer",
	    syscall(SYS_timer_settime, id, 0, bad_pointer(), NULL));
	ret("delete", syscall(SYS_timer_delete, id));
	ret("delete again", syscall(SYS_timer_delete, id));
	ret("set deleted", set(id, 0, MS, 0));
	ret("get deleted", left(id));
	ret("overrun of deleted", syscall(SYS_timer_getoverrun, id));
}

static void once(clockid_t clock, const char *name)
{
	struct sigevent ev = event(SIGEV_SIGNAL, SIGUSR1);
	int id = create(clock, &ev);
	siginfo_t si;

	say("clock", "%s", name);
	ret("set", set(id, 0, 20 * MS, 0));
	yes("counts down", left(id) > 0 && left(id) <= 20 * MS);
	val("signal", await(SIGUSR1, &si) == SIGUSR1);
	say("code", "%s", si_code_name(SIGUSR1, si.si_code));
	val("value", si.si_value.sival_int);
	yes("number", si.si_timerid == id);
	val("overruns", si.si_overrun);
	val("left", left(id));
	ret("set far", set(id, 0, 3600000 * MS, 0));
	ret("disarm", set(id, 0, 0, 0));
	val("left", left(id));
	ret("absolute", set(id, TIMER_ABSTIME, now(clock) + 10 * MS, 0));
	val("signal", await(SIGUSR1, &si) == SIGUSR1);
	ret("in the past", set(id, TIMER_ABSTIME, 1, 0));
	val("signal", await(SIGUSR1, &si) == SIGUSR1);
	ret("delete", syscall(SYS_timer_delete, id));
}

static void overruns(void)
{
	struct sigevent ev = event(SIGEV_SIGNAL, SIGRTMIN);
	struct itimerspec it;
	int id = create(CLOCK_MONOTONIC, &ev), n;
	sigset_t set0 = only(SIGRTMIN), pending;
	siginfo_t si;

	sigprocmask(SIG_BLOCK, &set0, NULL);
	ret("periodic", set(id, 0, MS, MS));
	usleep(30000);
	sigpending(&pending);
	val("pending", sigismember(&pending, SIGRTMIN));
	val("one", await(SIGRTMIN, &si) == SIGRTMIN);
	n = (int)syscall(SYS_timer_getoverrun, id);
	yes("overruns", n >= 20 && n == si.si_overrun);
	ret("gettime", syscall(SYS_timer_gettime, id, &it));
	val("interval", it.it_interval.tv_nsec);
	ret("stop", set(id, 0, 0, 0));
	val("overruns are gone", syscall(SYS_timer_getoverrun, id));
	ret("delete", syscall(SYS_timer_delete, id));
}

static void silent(void)
{
	struct sigevent ev = event(SIGEV_NONE, 0);
	int id = create(CLOCK_REALTIME, &ev);
	sigset_t pending;

	ret("silent", set(id, 0, MS, 0));
	usleep(5000);
	val("expired", left(id));
	sigpending(&pending);
	val("nothing pending", sigisemptyset(&pending));
	syscall(SYS_timer_delete, id);
}

static volatile int in_main, in_thread;
static __thread int is_thread;

static void count(int sig)
{
	(void)sig;
	if (is_thread)
		in_thread++;
	else
		in_main++;
}

static volatile pid_t thread_id;
static volatile bool stop;

static void *busy(void *arg)
{
	is_thread = 1;
	thread_id = (pid_t)syscall(SYS_gettid);
	while (!stop)
		;
	return arg;
}

static void to_thread(void)
{
	struct timespec ts;
	struct sigevent ev = event(SIGEV_THREAD_ID, SIGUSR2);
	struct sigaction sa = { .sa_handler = count };
	clockid_t clock;
	pthread_t t;
	pid_t tid;
	int id;

	sigaction(SIGUSR2, &sa, NULL);
	stop = false;
	pthread_create(&t, NULL, busy, NULL);
	while (!thread_id)
		sched_yield();
	/* C libraries differ in what they call this field. */
	tid = thread_id;
	memcpy((char *)&ev + 16, &tid, sizeof(tid));
	id = create(CLOCK_MONOTONIC, &ev);
	ret("to a thread", set(id, 0, MS, MS));
	while (in_thread < 5)
		sched_yield();
	val("to main", in_main);
	syscall(SYS_timer_delete, id);
	err("its clock", pthread_getcpuclockid(t, &clock));
	yes("has run", now(clock) > 0);
	ev = event(SIGEV_SIGNAL, SIGUSR1);
	id = create(clock, &ev);
	ret("its CPU time", set(id, 0, 10 * MS, 0));
	val("signal", await(SIGUSR1, NULL) == SIGUSR1);
	stop = true;
	pthread_join(t, NULL);
	/* Linux says that a thread has ended a little before it is gone. */
	for (int i = 0; i < 1000 && !clock_gettime(clock, &ts); i++)
		usleep(1000);
	ret("clock of nobody", clock_gettime(clock, &ts));
	syscall(SYS_timer_delete, id);
}

static void burn(int64_t ns)
{
	int64_t end = now(CLOCK_PROCESS_CPUTIME_ID) + ns;

	while (now(CLOCK_PROCESS_CPUTIME_ID) < end)
		;
}

static void cpu_time(void)
{
	struct timespec ts = { 0, 20 * MS };
	struct rusage u;
	clockid_t clock;
	struct tms t;
	int64_t before;
	pthread_t p;

	before = now(CLOCK_PROCESS_CPUTIME_ID);
	usleep(50000);
	yes("sleep is free", now(CLOCK_PROCESS_CPUTIME_ID) - before < 40 * MS);
	burn(30 * MS);
	yes("thread time", now(CLOCK_THREAD_CPUTIME_ID) >= 30 * MS);
	err("own clock", clock_getcpuclockid(0, &clock));
	yes("agrees", now(clock) >= 30 * MS);
	err("own number", clock_getcpuclockid(getpid(), &clock));
	yes("agrees", now(clock) >= 30 * MS);
	err("own thread", pthread_getcpuclockid(pthread_self(), &clock));
	yes("agrees", now(clock) >= 30 * MS);
	getrusage(RUSAGE_SELF, &u);
	yes("getrusage", u.ru_utime.tv_sec || u.ru_utime.tv_usec > 10000 ||
				 u.ru_stime.tv_usec > 10000);
	times(&t);
	yes("times", t.tms_utime + t.tms_stime >= 2);
	stop = false;
	pthread_create(&p, NULL, busy, NULL);
	before = now(CLOCK_PROCESS_CPUTIME_ID);
	err("sleep on CPU time",
	    clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &ts, NULL));
	yes("used", now(CLOCK_PROCESS_CPUTIME_ID) - before >= 20 * MS);
	stop = true;
	pthread_join(p, NULL);
	yes("not forgotten", now(CLOCK_PROCESS_CPUTIME_ID) - before >= 20 * MS);
	err("on that of oneself",
	    clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL));
	ret("resolution", clock_getres(clock, &ts));
	val("ns", ts.tv_nsec);
}

static volatile int fired;

static void on_signal(int sig)
{
	(void)sig;
	fired++;
}

static void interval(int which, int sig, const char *name)
{
	struct itimerval it = { { 0, 2000 }, { 0, 2000 } };
	const struct itimerval none = { 0 };
	struct sigaction sa = { .sa_handler = on_signal };
	int64_t end;

	say("interval timer", "%s", name);
	sigaction(sig, &sa, NULL);
	fired = 0;
	ret("set", setitimer(which, &it, NULL));
	usleep(100000);
	yes("not while it sleeps", fired < 20);
	end = now(CLOCK_PROCESS_CPUTIME_ID) + 5000 * MS;
	while (fired < 5 && now(CLOCK_PROCESS_CPUTIME_ID) < end)
		;
	yes("while it runs", fired >= 5);
	ret("get", getitimer(which, &it));
	val("interval", it.it_interval.tv_usec);
	ret("stop", setitimer(which, &none, NULL));
	ret("get", getitimer(which, &it));
	val("disarmed", it.it_value.tv_sec + it.it_value.tv_usec);
}

static void limit(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct rlimit l;

	sigaction(SIGXCPU, &sa, NULL);
	getrlimit(RLIMIT_CPU, &l);
	fired = 0;
	l.rlim_cur = 1;
	ret("limit of CPU time", setrlimit(RLIMIT_CPU, &l));
	burn(1200 * MS);
	yes("told", fired >= 1);
	l.rlim_cur = RLIM_INFINITY;
	ret("no limit", setrlimit(RLIMIT_CPU, &l));
}

int main(void)
{
	sigset_t usr1 = only(SIGUSR1);

	abi_start();
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	errors();
	once(CLOCK_MONOTONIC, "monotonic");
	once(CLOCK_REALTIME, "realtime");
	once(CLOCK_BOOTTIME, "boottime");
	once(CLOCK_TAI, "tai");
	overruns();
	silent();
	to_thread();
	cpu_time();
	interval(ITIMER_VIRTUAL, SIGVTALRM, "virtual");
	interval(ITIMER_PROF, SIGPROF, "prof");
	limit();
	return 0;
}
