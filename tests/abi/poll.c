/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll, ppoll, select and pselect over pipes, files and closed descriptors.
 *
 * test: hardware
 */
#include <poll.h>
#include <pthread.h>
#include <sys/select.h>
#include <time.h>

#include "tests/abi/abi.h"

static void say_poll(const char *name, struct pollfd *p, nfds_t n, int ms)
{
	int r = poll(p, n, ms);

	if (r < 0)
		ret(name, r);
	else
		say(name, "%d, %#x %#x", r, p[0].revents,
		    n > 1 ? p[1].revents : 0);
}

static void polling(void)
{
	struct timespec ts = { 0, 5000000 }, bad = { 0, -1 };
	int p[2];
	struct pollfd pfd[2];

	if (pipe(p) < 0)
		return;
	pfd[0] = (struct pollfd){ .fd = p[0], .events = POLLIN };
	pfd[1] = (struct pollfd){ .fd = p[1], .events = POLLOUT };
	say_poll("writable", pfd, 2, 0);
	say_poll("empty", pfd, 1, 0);
	say_poll("empty, 5 ms", pfd, 1, 5);
	if (write(p[1], "x", 1) == 1)
		say_poll("readable", pfd, 2, -1);
	pfd[1].fd = -1;
	say_poll("negative descriptor", pfd, 2, 0);
	pfd[1].fd = 4711;
	say_poll("closed descriptor", pfd, 2, 0);
	ret("no descriptors, 5 ms", poll(NULL, 0, 5));
	ret("ppoll", ppoll(pfd, 1, &ts, NULL));
	ret("ppoll, nothing", ppoll(NULL, 0, &ts, NULL));
	ret("ppoll, bad time", ppoll(NULL, 0, &bad, NULL));
	ret("bad pointer", poll(bad_pointer(), 1, 0));
	close(p[1]);
	say_poll("hang-up with data", pfd, 1, 0);
	if (read(p[0], &p[1], 1) == 1)
		say_poll("hang-up", pfd, 1, 0);
	close(p[0]);
	say_poll("closed", pfd, 1, 0);
	pfd[0].fd = open("/proc/self/exe", O_RDONLY);
	pfd[0].events = POLLIN | POLLOUT;
	say_poll("regular file", pfd, 1, 0);
	close(pfd[0].fd);
	pfd[0].fd = open("/dev/null", O_RDWR);
	say_poll("/dev/null", pfd, 1, 0);
	close(pfd[0].fd);
}

static void selecting(void)
{
	struct timeval tv = { 0, 5000 }, zero = { 0, 0 };
	struct timespec ts = { 0, 5000000 };
	fd_set r, w;
	int p[2];

	if (pipe(p) < 0)
		return;
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	ret("select", select(p[1] + 1, &r, &w, NULL, NULL));
	say("sets", "%d %d", FD_ISSET(p[0], &r), FD_ISSET(p[1], &w));
	FD_SET(p[0], &r);
	ret("select, 5 ms", select(p[1] + 1, &r, NULL, NULL, &tv));
	val("set is cleared", FD_ISSET(p[0], &r));
	if (write(p[1], "x", 1) == 1) {
		FD_SET(p[0], &r);
		ret("readable", select(p[1] + 1, &r, &w, NULL, &zero));
	}
	FD_SET(p[0], &r);
	ret("below the descriptor", select(p[0], &r, NULL, NULL, &zero));
	FD_ZERO(&r);
	FD_SET(40, &r);
	ret("closed descriptor", select(41, &r, NULL, NULL, &zero));
	ret("negative count", select(plain(-1), NULL, NULL, NULL, &zero));
	ret("sleep", select(0, NULL, NULL, NULL, &tv));
	ret("pselect", pselect(0, NULL, NULL, NULL, &ts, NULL));
	close(p[0]);
	close(p[1]);
}

static void on_usr1(int sig)
{
	(void)sig;
}

static void masked(void)
{
	struct sigaction sa = { .sa_handler = on_usr1 };
	struct timespec ten = { 10, 0 };
	sigset_t set, none;

	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaction(SIGUSR1, &sa, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	ret("ppoll lets a signal in", ppoll(NULL, 0, &ten, &none));
	raise(SIGUSR1);
	ret("pselect lets a signal in",
	    pselect(0, NULL, NULL, NULL, &ten, &none));
	sigprocmask(SIG_BLOCK, NULL, &none);
	val("mask is back", sigismember(&none, SIGUSR1));
}

static int wake_pipe[2];

static void *wakes(void *arg)
{
	usleep(20000);
	if (write(wake_pipe[1], "x", 1) != 1)
		say("wakes", "%s", err_name(errno));
	return arg;
}

static void woken(void)
{
	struct pollfd pfd;
	pthread_t t;
	fd_set r;
	char c;

	if (pipe(wake_pipe) < 0)
		return;
	pfd = (struct pollfd){ .fd = wake_pipe[0], .events = POLLIN };
	pthread_create(&t, NULL, wakes, NULL);
	say_poll("poll woken by a thread", &pfd, 1, -1);
	pthread_join(t, NULL);
	ret("read", read(wake_pipe[0], &c, 1));
	FD_ZERO(&r);
	FD_SET(wake_pipe[0], &r);
	pthread_create(&t, NULL, wakes, NULL);
	ret("select woken by a thread",
	    select(wake_pipe[0] + 1, &r, NULL, NULL, NULL));
	pthread_join(t, NULL);
}

int main(void)
{
	abi_start();
	polling();
	selecting();
	masked();
	woken();
	return 0;
}
