/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks and sleeping: monotony, resolution, absolute times, timerfd.
 *
 * test: hardware
 */
#include <poll.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

#include "tests/abi/abi.h"

static int64_t now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static struct timespec as_ts(int64_t ns)
{
	return (struct timespec){ ns / 1000000000, ns % 1000000000 };
}

static void clocks(void)
{
	struct timespec ts;
	struct timeval tv;
	int64_t last = now(CLOCK_MONOTONIC), t;
	int backwards = 0;

	for (int i = 0; i < 20000; i++) {
		t = now(CLOCK_MONOTONIC);
		backwards += t < last;
		last = t;
	}
	val("steps back", backwards);
	yes("advances", now(CLOCK_MONOTONIC) > last);
	ret("realtime", clock_gettime(CLOCK_REALTIME, &ts));
	yes("after 2020", ts.tv_sec > 1577836800);
	gettimeofday(&tv, NULL);
	yes("gettimeofday agrees", llabs(tv.tv_sec - ts.tv_sec) <= 1);
	yes("time agrees", llabs(time(NULL) - ts.tv_sec) <= 1);
	ret("boottime", clock_gettime(CLOCK_BOOTTIME, &ts));
	ret("raw", clock_gettime(CLOCK_MONOTONIC_RAW, &ts));
	ret("coarse", clock_gettime(CLOCK_MONOTONIC_COARSE, &ts));
	ret("realtime coarse", clock_gettime(CLOCK_REALTIME_COARSE, &ts));
	ret("process cpu time", clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts));
	ret("thread cpu time", clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts));
	ret("bad clock", clock_gettime(77, &ts));
	ret("resolution", clock_getres(CLOCK_MONOTONIC, &ts));
	say("resolution is", "%ld.%09ld", (long)ts.tv_sec, ts.tv_nsec);
	ret("resolution without result", clock_getres(CLOCK_REALTIME, NULL));
	ret("resolution of a bad clock", clock_getres(77, &ts));
	ret("raw bad pointer",
	    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, bad_pointer()));
}

static void sleeping(void)
{
	struct timespec ms5 = { 0, 5000000 }, bad = { 0, 1000000000 };
	struct timespec neg = { -1, 0 }, ts;
	int64_t t = now(CLOCK_MONOTONIC);

	ret("nanosleep", nanosleep(&ms5, NULL));
	yes("long enough", now(CLOCK_MONOTONIC) - t >= 5000000);
	ret("bad nanoseconds", nanosleep(&bad, NULL));
	ret("negative", nanosleep(&neg, NULL));
	t = now(CLOCK_MONOTONIC) + 5000000;
	ts = as_ts(t);
	err("absolute",
	    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL));
	yes("not before", now(CLOCK_MONOTONIC) >= t);
	ts = as_ts(now(CLOCK_REALTIME) + 5000000);
	err("absolute, realtime",
	    clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL));
	ts = as_ts(1);
	err("in the past",
	    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL));
	err("relative", clock_nanosleep(CLOCK_REALTIME, 0, &ms5, NULL));
	err("bad clock", clock_nanosleep(77, 0, &ms5, NULL));
	ret("zero", nanosleep(&(struct timespec){ 0, 0 }, NULL));
}

static void set(int fd, int64_t first, int64_t every, int flags)
{
	struct itimerspec it = { as_ts(every), as_ts(first) };

	ret("set", timerfd_settime(fd, flags, &it, NULL));
}

static void descriptors(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct itimerspec it;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	uint64_t n = 0;

	ret("not set", read(fd, &n, 8));
	set(fd, 50000000, 0, 0);
	ret("too early", poll(&pfd, 1, 0));
	ret("poll", poll(&pfd, 1, 10000));
	ret("read", read(fd, &n, 8));
	val("expirations", (long)n);
	ret("once", read(fd, &n, 8));
	ret("gettime", timerfd_gettime(fd, &it));
	val("disarmed", it.it_value.tv_sec + it.it_value.tv_nsec);
	set(fd, 2000000, 2000000, 0);
	nanosleep(&(struct timespec){ 0, 15000000 }, NULL);
	ret("read", read(fd, &n, 8));
	yes("periodic", n >= 6);
	ret("gettime", timerfd_gettime(fd, &it));
	yes("interval", it.it_interval.tv_nsec == 2000000);
	set(fd, 0, 0, 0);
	ret("disarmed", read(fd, &n, 8));
	set(fd, now(CLOCK_MONOTONIC) - 1000, 0, TFD_TIMER_ABSTIME);
	ret("absolute in the past", poll(&pfd, 1, 10000));
	ret("short read", read(fd, &n, 4));
	ret("write", write(fd, &n, 8));
	close(fd);
	fd = timerfd_create(CLOCK_REALTIME, 0);
	set(fd, 5000000, 0, 0);
	ret("blocking read", read(fd, &n, 8));
	close(fd);
	ret("bad clock", timerfd_create(77, 0));
	ret("bad flags", timerfd_create(CLOCK_MONOTONIC, 0x40000000));
}

int main(void)
{
	abi_start();
	clocks();
	sleeping();
	descriptors();
	return 0;
}
