/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread waits in a call for which another one takes the buffer away: the
 * call fails, nothing else does.
 *
 * test: cflags -pthread
 */
#include <pthread.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "tests/abi/abi.h"

#define LEN (1u << 20)

struct job {
	const char *name;
	ssize_t (*call)(int fd, char *buf);
	int fd;
	char *buf;
};

static ssize_t by_read(int fd, char *buf)
{
	return read(fd, buf, PAGE);
}

static ssize_t by_readv(int fd, char *buf)
{
	struct iovec v[2] = { { buf, 100 }, { buf + 200, 100 } };

	return readv(fd, v, 2);
}

static ssize_t by_recv(int fd, char *buf)
{
	return recv(fd, buf, PAGE, 0);
}

static ssize_t by_recvmsg(int fd, char *buf)
{
	struct iovec v = { buf, PAGE };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	return recvmsg(fd, &m, 0);
}

static void *run(void *arg)
{
	struct job *j = arg;

	ret(j->name, j->call(j->fd, j->buf));
	return NULL;
}

static void reader(const char *name, ssize_t (*call)(int, char *), bool sock)
{
	struct job j = { .name = name, .call = call };
	pthread_t t;
	int p[2];

	j.buf = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (sock ? socketpair(AF_UNIX, SOCK_STREAM, 0, p) : pipe(p))
		_exit(1);
	j.fd = p[0];
	pthread_create(&t, NULL, run, &j);
	usleep(50000);
	munmap(j.buf, PAGE);
	if (write(p[1], "hello", 5) != 5)
		_exit(2);
	pthread_join(t, NULL);
	close(p[0]);
	close(p[1]);
}

static void *write_much(void *arg)
{
	struct job *j = arg;

	yes(j->name, write(j->fd, j->buf, LEN) == LEN / 2);
	return NULL;
}

/* What lies before the hole is written. */
static void writer(void)
{
	struct job j = { .name = "write up to the hole" };
	size_t got = 0;
	char *drain = malloc(LEN);
	pthread_t t;
	int p[2];

	j.buf = mmap(NULL, LEN, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!drain || pipe(p) < 0)
		_exit(1);
	j.fd = p[1];
	pthread_create(&t, NULL, write_much, &j);
	usleep(50000);
	mprotect(j.buf + LEN / 2, LEN / 2, PROT_NONE);
	while (got < LEN / 2) {
		ssize_t n = read(p[0], drain, LEN);

		if (n <= 0)
			_exit(3);
		got += (size_t)n;
	}
	pthread_join(t, NULL);
	free(drain);
}

int main(void)
{
	abi_start();
	reader("read", by_read, false);
	reader("readv", by_readv, false);
	reader("recv", by_recv, true);
	reader("recvmsg", by_recvmsg, true);
	writer();
	return 0;
}
