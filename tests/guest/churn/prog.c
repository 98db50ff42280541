/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes and gives back everything many times in little memory: what leaks a
 * little each time runs out before the end.
 *
 * test: flavours musl glibc
 * test: flags -m 64m
 * test: timeout 120
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void check(int ok, const char *what, int round)
{
	if (ok)
		return;
	printf("%s failed in round %d\n", what, round);
	exit(1);
}

static void mappings(void)
{
	size_t size = 24u << 20;

	for (int i = 0; i < 20; i++) {
		char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		check(p != MAP_FAILED, "mmap", i);
		memset(p, i, size);
		check(munmap(p + size / 3, size / 3) == 0, "munmap", i);
		munmap(p, size);
	}
}

static void heap(void)
{
	static char *slot[512];
	unsigned x = 1;

	for (int i = 0; i < 100000; i++) {
		char **s;

		x = x * 1103515245 + 12345;
		s = &slot[(x >> 8) % 512];
		free(*s);
		*s = malloc((x >> 20) % 40000 + 1);
		check(*s != NULL, "malloc", i);
		**s = 1;
	}
	for (int i = 0; i < 512; i++) {
		free(slot[i]);
		slot[i] = NULL;
	}
}

static void *nothing(void *arg)
{
	return arg;
}

static void threads(void)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 << 10);
	for (int i = 0; i < 1500; i++) {
		pthread_t t;

		check(pthread_create(&t, &attr, nothing, NULL) == 0,
		      "pthread_create", i);
		if (i % 2)
			pthread_join(t, NULL);
		else
			pthread_detach(t);
	}
}

static void descriptors(void)
{
	for (int i = 0; i < 8000; i++) {
		int p[2], e = eventfd(0, 0), ep = epoll_create1(0);
		int t = timerfd_create(CLOCK_MONOTONIC, 0);
		struct epoll_event ev = { .events = EPOLLIN };

		check(pipe(p) == 0 && e >= 0 && ep >= 0 && t >= 0, "pipe", i);
		check(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev) == 0 &&
			      epoll_ctl(ep, EPOLL_CTL_ADD, t, &ev) == 0,
		      "epoll_ctl", i);
		check(write(p[1], "x", 1) == 1, "write", i);
		close(i % 2 ? ep : p[0]);
		close(i % 2 ? p[0] : ep);
		close(p[1]);
		close(e);
		close(t);
	}
}

static void sockets(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM, 0);
	static char buf[10000];

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	check(bind(l, (struct sockaddr *)&a, sizeof(a)) == 0 &&
		      listen(l, 5) == 0 &&
		      getsockname(l, (struct sockaddr *)&a, &len) == 0,
	      "listen", 0);
	for (int i = 0; i < 1500; i++) {
		int sv[2], c = socket(AF_INET, SOCK_STREAM, 0), s;

		check(connect(c, (struct sockaddr *)&a, sizeof(a)) == 0,
		      "connect", i);
		s = accept(l, NULL, NULL);
		check(s >= 0, "accept", i);
		check(write(c, buf, sizeof(buf)) > 0, "send", i);
		close(i % 2 ? c : s);
		close(i % 2 ? s : c);
		check(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0,
		      "socketpair", i);
		check(write(sv[0], buf, sizeof(buf)) > 0, "write", i);
		close(sv[0]);
		close(sv[1]);
	}
	close(l);
}

static void files(void)
{
	static char buf[100000];

	for (int i = 0; i < 500; i++) {
		char name[32];
		int fd;
		char *p;

		snprintf(name, sizeof(name), "/tmp/churn-%d", i % 7);
		fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600);
		check(fd >= 0, "open", i);
		check(write(fd, buf, sizeof(buf)) == sizeof(buf), "write", i);
		p = mmap(NULL, sizeof(buf), PROT_READ | PROT_WRITE,
			 i % 2 ? MAP_SHARED : MAP_PRIVATE, fd, 0);
		check(p != MAP_FAILED, "mmap of a file", i);
		memset(p, 1, sizeof(buf));
		close(fd);
		if (i % 3)
			unlink(name);
		munmap(p, sizeof(buf));
		snprintf(name, sizeof(name), "/tmp/churn-dir-%d", i % 5);
		mkdir(name, 0700);
		rmdir(name);
	}
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	mappings();
	heap();
	threads();
	descriptors();
	sockets();
	files();
	mappings();
	heap();
	printf("nothing leaked\n");
	return 0;
}
