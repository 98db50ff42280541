# SPDX-License-Identifier: Apache-2.0
# test: timeout 90
# The clocks of a copy that is made later: realtime is now, monotonic time
# goes on where it was, and each timer that stands for a moment which has
# passed meanwhile expires, once.
. "$LIB"

cat >clocks.c <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SEC	 1000000000ll
#define HOUR	 3600
#define SOON_NS	 (SEC * 3 / 2)
#define JUMP_MIN (2 * SEC)

static sem_t sem;
static volatile sig_atomic_t signals[65], alarms;
static volatile int slept, sem_result, mono_slept;

static long long now(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * SEC + t.tv_nsec;
}

static struct timespec spec(long long ns)
{
	return (struct timespec){ ns / SEC, ns % SEC };
}

static void on_signal(int sig)
{
	signals[sig]++;
}

static struct timespec soon, later;

static void *sleeper(void *arg)
{
	slept = clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &soon, NULL) ?
			-1 : 1;
	return arg;
}

static void *waiter(void *arg)
{
	sem_result = sem_timedwait(&sem, &soon) < 0 ? errno : 0;
	return arg;
}

static void *mono_sleeper(void *arg)
{
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &later, NULL);
	mono_slept = 1;
	return arg;
}

static timer_t posix_timer(clockid_t clock, int sig, const struct timespec *at,
			   long interval)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
			       .sigev_signo = sig };
	struct itimerspec its = { .it_value = *at,
				  .it_interval = { .tv_sec = interval } };
	timer_t t;

	signal(sig, on_signal);
	timer_create(clock, &ev, &t);
	timer_settime(t, TIMER_ABSTIME, &its, NULL);
	return t;
}

static int fd_timer(clockid_t clock, int flags, const struct timespec *at,
		    long interval)
{
	int fd = timerfd_create(clock, TFD_NONBLOCK);
	struct itimerspec its = { .it_value = *at,
				  .it_interval = { .tv_sec = interval } };

	timerfd_settime(fd, flags, &its, NULL);
	return fd;
}

static long expirations(int fd)
{
	uint64_t n;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? (long)n : -errno;
}

int main(void)
{
	struct itimerval hour = { .it_value.tv_sec = HOUR };
	struct timespec span = { .tv_sec = HOUR };
	long long mono, real, left;
	struct itimerspec its;
	pthread_t t[3];
	char line[10];
	int fds[6], mark;
	timer_t posix[3];

	sem_init(&sem, 0, 0);
	real = now(CLOCK_REALTIME);
	soon = spec(real + SOON_NS);
	later = spec(now(CLOCK_MONOTONIC) + HOUR * SEC);
	fds[0] = fd_timer(CLOCK_REALTIME, TFD_TIMER_ABSTIME, &soon, 0);
	fds[1] = fd_timer(CLOCK_REALTIME, TFD_TIMER_ABSTIME, &soon, HOUR);
	fds[2] = fd_timer(CLOCK_REALTIME,
			  TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
			  &(struct timespec){ .tv_sec = soon.tv_sec + HOUR },
			  0);
	fds[3] = fd_timer(CLOCK_REALTIME, 0, &span, 0);
	fds[4] = fd_timer(CLOCK_MONOTONIC, TFD_TIMER_ABSTIME, &later, 0);
	fds[5] = fd_timer(CLOCK_REALTIME, TFD_TIMER_ABSTIME,
			  &(struct timespec){ .tv_sec = soon.tv_sec + HOUR },
			  0);
	posix[0] = posix_timer(CLOCK_REALTIME, SIGRTMIN, &soon, 0);
	posix[1] = posix_timer(CLOCK_REALTIME, SIGRTMIN + 1, &soon, HOUR);
	posix[2] = posix_timer(CLOCK_MONOTONIC, SIGRTMIN + 2, &later, 0);
	signal(SIGALRM, on_signal);
	setitimer(ITIMER_REAL, &hour, NULL);
	pthread_create(&t[0], NULL, sleeper, NULL);
	pthread_create(&t[1], NULL, waiter, NULL);
	pthread_create(&t[2], NULL, mono_sleeper, NULL);
	for (int i = 0; i < 3; i++)
		usleep(10000);
	mark = open("/proc/mayfly/snapshot", O_WRONLY);
	real = now(CLOCK_REALTIME);
	mono = now(CLOCK_MONOTONIC);
	write(mark, "1", 1);
	mono = now(CLOCK_MONOTONIC) - mono;
	real = now(CLOCK_REALTIME) - real;
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	printf("jumped %d forward %d less %d\n", real > JUMP_MIN, mono >= 0,
	       real - mono > JUMP_MIN);
	printf("slept %d sem %s mono %d\n", slept,
	       sem_result == ETIMEDOUT ? "timeout" : "?", mono_slept);
	printf("fds %ld %ld", expirations(fds[0]), expirations(fds[1]));
	left = expirations(fds[2]);
	printf(" canceled %d %ld", left == -ECANCELED,
	       expirations(fds[2]) + EAGAIN);
	printf(" left %ld %ld %ld\n", expirations(fds[3]) + EAGAIN,
	       expirations(fds[4]) + EAGAIN, expirations(fds[5]) + EAGAIN);
	printf("again %ld %ld\n", expirations(fds[0]) + EAGAIN,
	       expirations(fds[1]) + EAGAIN);
	printf("signals %d %d %d %d\n", signals[SIGRTMIN],
	       signals[SIGRTMIN + 1], signals[SIGRTMIN + 2], signals[SIGALRM]);
	/* What is left of realtime became less, of spans it did not. */
	timerfd_gettime(fds[5], &its);
	left = its.it_value.tv_sec * SEC + its.it_value.tv_nsec;
	printf("realtime %d", left < HOUR * SEC - SOON_NS / 2);
	timerfd_gettime(fds[3], &its);
	printf(" span %d", its.it_value.tv_sec >= HOUR - 2);
	timerfd_gettime(fds[4], &its);
	printf(" monotonic %d", its.it_value.tv_sec >= HOUR - 2);
	timer_gettime(posix[1], &its);
	printf(" interval %d\n", its.it_value.tv_sec <= HOUR - 1 &&
					 its.it_value.tv_sec > HOUR - 600);
	fflush(stdout);
	return fgets(line, sizeof(line), stdin) ? 0 : 1;
}
C
musl-gcc -static -O2 -pthread -o clocks clocks.c
"$MAYFLY" build clocks -o clocks.img >/dev/null
"$MAYFLY" snapshot --substrate "$SUBSTRATE" clocks.img -o clocks.snap
sleep 2.5
printf '%s\n' 'jumped 1 forward 1 less 1' 'slept 1 sem timeout mono 0' \
	'fds 1 1 canceled 1 0 left 0 0 0' 'again 0 0' 'signals 1 1 0 0' \
	'realtime 1 span 1 monotonic 1 interval 1' >want
for i in 1 2; do
	echo | run clocks.snap >out
	cmp want out || fail "copy $i: $(cat out)"
done
