/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals that come while a call waits: EINTR, SA_RESTART, timers as their
 * source; registers and vector state across a handler.
 *
 * test: hardware
 */
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "tests/abi/abi.h"
#include "tests/abi/x86.h"

static volatile int count;
static int fds[2];

static void on_alarm(int sig)
{
	(void)sig;
	count++;
}

/* The second alarm makes the data, so that a restarted read ends. */
static void on_alarm_write(int sig)
{
	(void)sig;
	if (++count == 2) {
		struct itimerval off = { 0 };

		setitimer(ITIMER_REAL, &off, NULL);
		if (write(fds[1], "x", 1) != 1)
			count = 77;
	}
}

static void ticks(void (*fn)(int), int flags, long first_us, long every_us)
{
	struct sigaction sa = { .sa_handler = fn, .sa_flags = flags };
	struct itimerval it = { { 0, every_us }, { 0, first_us } };

	sigaction(SIGALRM, &sa, NULL);
	count = 0;
	setitimer(ITIMER_REAL, &it, NULL);
}

static void stop_ticks(void)
{
	struct itimerval off = { 0 };

	setitimer(ITIMER_REAL, &off, NULL);
}

static void interrupted(void)
{
	struct timespec ten = { 10, 0 }, rest = { 99, 0 };
	struct pollfd pfd = { .fd = fds[0], .events = POLLIN };
	struct epoll_event ev;
	fd_set set;
	char c;
	int ep = epoll_create1(0);

	ticks(on_alarm, 0, 10000, 0);
	ret("read", read(fds[0], &c, 1));
	ticks(on_alarm, 0, 10000, 0);
	ret("nanosleep", nanosleep(&ten, &rest));
	yes("time is left", rest.tv_sec == 9);
	ticks(on_alarm, SA_RESTART, 10000, 0);
	ret("nanosleep, SA_RESTART", nanosleep(&ten, NULL));
	ticks(on_alarm, 0, 10000, 0);
	err("clock_nanosleep", clock_nanosleep(CLOCK_MONOTONIC, 0, &ten, NULL));
	ticks(on_alarm, SA_RESTART, 10000, 0);
	ret("poll, SA_RESTART", poll(&pfd, 1, 10000));
	FD_ZERO(&set);
	FD_SET(fds[0], &set);
	ticks(on_alarm, SA_RESTART, 10000, 0);
	ret("select, SA_RESTART", select(fds[0] + 1, &set, NULL, NULL, NULL));
	ticks(on_alarm, SA_RESTART, 10000, 0);
	ret("epoll_wait, SA_RESTART", epoll_wait(ep, &ev, 1, 10000));
	ticks(on_alarm, SA_RESTART, 10000, 0);
	ret("pause, SA_RESTART", pause());
	val("alarms", count);
	close(ep);
}

static void restarted(void)
{
	char c = '?';
	int sv[2], keep[2] = { fds[0], fds[1] };

	ticks(on_alarm_write, SA_RESTART, 10000, 10000);
	ret("read, SA_RESTART", read(fds[0], &c, 1));
	val("alarms", count);
	say("byte", "%c", c);
	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	fds[1] = sv[1];
	ticks(on_alarm_write, SA_RESTART, 10000, 10000);
	ret("recv, SA_RESTART", recv(sv[0], &c, 1, 0));
	val("alarms", count);
	ticks(on_alarm, 0, 10000, 0);
	ret("recv", recv(sv[0], &c, 1, 0));
	fds[0] = keep[0];
	fds[1] = keep[1];
	close(sv[0]);
	close(sv[1]);
}

static void accept_interrupted(void)
{
	int s = socket(AF_INET, SOCK_STREAM, 0);

	listen(s, 1);
	ticks(on_alarm, 0, 10000, 0);
	ret("accept", accept(s, NULL, NULL));
	close(s);
}

static void timers(void)
{
	struct itimerval it = { { 0, 0 }, { 100, 0 } }, old;
	sigset_t none;

	sigemptyset(&none);
	ret("setitimer", setitimer(ITIMER_REAL, &it, &old));
	ret("getitimer", getitimer(ITIMER_REAL, &it));
	yes("time left", it.it_value.tv_sec == 99 || it.it_value.tv_sec == 100);
	val("alarm replaces it", alarm(50) >= 99);
	val("alarm is what was left", alarm(0) >= 49);
	val("alarm off", alarm(0));
	it.it_value.tv_usec = 1000000;
	ret("bad microseconds", setitimer(ITIMER_REAL, &it, NULL));
	ticks(on_alarm, 0, 2000, 2000);
	while (count < 5)
		sigsuspend(&none);
	stop_ticks();
	val("periodic", count >= 5);
}

static void computing(void)
{
	volatile unsigned long x = 0;

	ticks(on_alarm, 0, 1000, 1000);
	while (count < 20)
		x++;
	stop_ticks();
	yes("a loop without calls is interrupted", count >= 20 && x > 0);
}

static void on_alarm_vectors(int sig)
{
	static unsigned char junk[2048], out[2048];

	(void)sig;
	memset(junk, count, sizeof(junk));
	vectors_sse(junk, out, SYS_getpid, 0);
	if (cpu_has_avx512())
		vectors_avx512(junk, out, SYS_getpid, 0);
	else if (cpu_has_avx2())
		vectors_avx(junk, out, SYS_getpid, 0);
	count++;
}

static void vectors(void)
{
	static unsigned char in[2048], out[2048];
	bool kept = true;

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)(i * 7 + i / 200);
	ticks(on_alarm_vectors, 0, 1000, 1000);
	while (count < 20) {
		vectors_sse(in, out, -1, 200000);
		kept = kept && vectors_equal(in, out, 16, 16);
		if (cpu_has_avx2()) {
			vectors_avx(in, out, -1, 200000);
			kept = kept && vectors_equal(in, out, 16, 32);
		}
		if (cpu_has_avx512()) {
			vectors_avx512(in, out, -1, 200000);
			kept = kept && vectors_equal(in, out, 32, 64);
		}
	}
	stop_ticks();
	yes("vector registers kept across handlers", kept);
}

static void *signal_main(void *main_thread)
{
	struct timespec ts = { 0, 20000000 };

	nanosleep(&ts, NULL);
	pthread_kill(*(pthread_t *)main_thread, SIGUSR1);
	return NULL;
}

static void by_thread(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	pthread_t self = pthread_self(), t;
	char c;

	sigaction(SIGUSR1, &sa, NULL);
	count = 0;
	pthread_create(&t, NULL, signal_main, &self);
	ret("read interrupted by another thread", read(fds[0], &c, 1));
	val("handled", count);
	pthread_join(t, NULL);
}

int main(void)
{
	abi_start();
	if (pipe(fds) < 0)
		return 1;
	interrupted();
	restarted();
	accept_interrupted();
	timers();
	computing();
	vectors();
	by_thread();
	return 0;
}
