/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pipes and eventfds: capacity, end of file, broken pipes, blocking between
 * threads.
 *
 * test: hardware
 */
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "tests/abi/abi.h"

static volatile int broken;

static void on_pipe(int sig)
{
	(void)sig;
	broken++;
}

static void plain_pipe(void)
{
	char buf[16] = "";
	int p[2];
	struct stat st;

	ret("pipe", pipe(p));
	ret("write", write(p[1], "hello", 5));
	ret("read part", read(p[0], buf, 2));
	ret("read the rest", read(p[0], buf, 16));
	say("bytes", "%.3s", buf);
	ret("write to the read end", write(p[0], "x", 1));
	ret("read from the write end", read(p[1], buf, 1));
	ret("seek", lseek(p[0], 0, SEEK_CUR));
	ret("pread", pread(p[0], buf, 1, 0));
	fstat(p[0], &st);
	yes("is a fifo", S_ISFIFO(st.st_mode));
	ret("fsync", fsync(p[0]));
	ret("ftruncate", ftruncate(p[1], 0));
	ret("write last", write(p[1], "end", 3));
	close(p[1]);
	ret("read after the writer left", read(p[0], buf, 16));
	ret("end of file", read(p[0], buf, 16));
	ret("and again", read(p[0], buf, 16));
	close(p[0]);
	ret("pipe2 bad flags", pipe2(p, 0x40000000));
	ret("pipe to a bad pointer", syscall(SYS_pipe2, bad_pointer(), 0));
}

static void broken_pipe(void)
{
	int p[2];

	if (pipe(p) < 0)
		return;
	close(p[0]);
	signal(SIGPIPE, on_pipe);
	ret("write without a reader", write(p[1], "x", 1));
	val("SIGPIPE", broken);
	signal(SIGPIPE, SIG_IGN);
	ret("ignored", write(p[1], "x", 1));
	close(p[1]);
}

static void capacity(void)
{
	static char buf[100000];
	int p[2];
	long total = 0, n;

	if (pipe2(p, O_NONBLOCK) < 0)
		return;
	ret("F_GETPIPE_SZ", fcntl(p[0], F_GETPIPE_SZ));
	ret("empty", read(p[0], buf, 1));
	while ((n = write(p[1], buf, PAGE)) > 0)
		total += n;
	err("full", errno);
	val("bytes", total);
	ret("read a page", read(p[0], buf, PAGE));
	ret("write it again", write(p[1], buf, PAGE));
	ret("and no more", write(p[1], buf, 1));
	for (total = 0; (n = read(p[0], buf, sizeof(buf))) > 0;)
		total += n;
	val("drained", total);
	ret("too much at once", write(p[1], buf, sizeof(buf)));
	ret("what came through", read(p[0], buf, sizeof(buf)));
	close(p[0]);
	close(p[1]);
}

#define BULK 3000000

static void *writer(void *arg)
{
	static unsigned char buf[70000];
	int fd = *(int *)arg;
	size_t at = 0;

	while (at < BULK) {
		size_t n = sizeof(buf) - at % 997;
		ssize_t done;

		if (n > BULK - at)
			n = BULK - at;
		for (size_t i = 0; i < n; i++)
			buf[i] = (unsigned char)((at + i) * 31 >> 3);
		done = write(fd, buf, n);
		if (done != (ssize_t)n) {
			say("writer", "%zd of %zu", done, n);
			break;
		}
		at += n;
	}
	close(fd);
	return NULL;
}

static void bulk(void)
{
	static unsigned char buf[5000];
	pthread_t t;
	int p[2];
	size_t at = 0, wrong = 0;
	ssize_t n;

	if (pipe(p) < 0)
		return;
	pthread_create(&t, NULL, writer, &p[1]);
	while ((n = read(p[0], buf, 1 + at % sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			wrong += buf[i] !=
				 (unsigned char)((at + (size_t)i) * 31 >> 3);
		at += (size_t)n;
	}
	pthread_join(t, NULL);
	val("bytes through a pipe", (long)at);
	val("wrong ones", (long)wrong);
	close(p[0]);
}

static void *closes_later(void *arg)
{
	usleep(20000);
	close(*(int *)arg);
	return NULL;
}

static void closing(void)
{
	struct pollfd pfd;
	pthread_t t;
	char c;
	int p[2];

	if (pipe(p) < 0)
		return;
	pthread_create(&t, NULL, closes_later, &p[1]);
	ret("read ends when the writer closes", read(p[0], &c, 1));
	pthread_join(t, NULL);
	close(p[0]);
	if (pipe(p) < 0)
		return;
	pthread_create(&t, NULL, closes_later, &p[0]);
	pfd = (struct pollfd){ .fd = p[1], .events = 0 };
	ret("poll ends when the reader closes", poll(&pfd, 1, 10000));
	say("events", "%#x", pfd.revents);
	pthread_join(t, NULL);
	close(p[1]);
}

static void counters(void)
{
	int fd = eventfd(3, EFD_NONBLOCK), sem;
	uint64_t v = 0;

	ret("read", read(fd, &v, 8));
	val("value", (long)v);
	ret("empty", read(fd, &v, 8));
	v = 5;
	ret("write", write(fd, &v, 8));
	ret("write again", write(fd, &v, 8));
	ret("read all", read(fd, &v, 8));
	val("sum", (long)v);
	ret("short read", read(fd, &v, 7));
	ret("short write", write(fd, &v, 4));
	v = UINT64_MAX;
	ret("write the maximum", write(fd, &v, 8));
	v--;
	ret("one less", write(fd, &v, 8));
	v = 1;
	ret("overflow would block", write(fd, &v, 8));
	ret("read all", read(fd, &v, 8));
	yes("large value", v == UINT64_MAX - 1);
	close(fd);
	sem = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	for (int i = 0; i < 3; i++) {
		v = 77;
		ret("semaphore read", read(sem, &v, 8));
		val("value", (long)v);
	}
	close(sem);
	ret("bad flags", eventfd(0, 0x40000000));
}

static void *bumps(void *arg)
{
	uint64_t one = 1;

	for (int i = 0; i < 1000; i++)
		if (write(*(int *)arg, &one, 8) != 8)
			say("bumps", "%s", err_name(errno));
	return NULL;
}

static void waking(void)
{
	int fd = eventfd(0, 0);
	uint64_t v, sum = 0;
	pthread_t t;

	pthread_create(&t, NULL, bumps, &fd);
	while (sum < 1000 && read(fd, &v, 8) == 8)
		sum += v;
	pthread_join(t, NULL);
	val("events through an eventfd", (long)sum);
	close(fd);
}

int main(void)
{
	abi_start();
	plain_pipe();
	broken_pipe();
	capacity();
	bulk();
	closing();
	counters();
	waking();
	return 0;
}
