/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of few lines: connect, send, read to the end. What it costs is in
 * every figure alike, a bare process's too.
 */
#include "cli/bench_request.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "host/cleanup.h"

#define TRY_NS	  50000
#define GIVE_UP_S 10

uint64_t bench_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int try_connect(uint16_t port)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const struct timeval limit = { .tv_sec = GIVE_UP_S };
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return take_fd(&fd);
}

static int connect_patiently(uint16_t port, struct err *e)
{
	const uint64_t end = bench_now_ns() + GIVE_UP_S * 1000000000ull;
	const struct timespec pause = { .tv_nsec = TRY_NS };
	int fd;

	while ((fd = try_connect(port)) == -ECONNREFUSED &&
	       bench_now_ns() < end)
		nanosleep(&pause, NULL);
	if (fd == -ECONNREFUSED)
		return err_set(e, ETIMEDOUT,
			       "nothing listens on port %u after %u s", port,
			       GIVE_UP_S);
	return fd < 0 ? err_sys(e, -fd, "cannot connect to port %u", port) : fd;
}

/* To the end of the stream; the first bytes say whether it went well. */
static int read_answer(int fd, struct err *e)
{
	char head[16] = "", rest[4096];
	size_t have = 0;
	ssize_t n;

	while ((n = read(fd, rest, sizeof(rest))) > 0) {
		size_t take = sizeof(head) - 1 - have;

		if (take > (size_t)n)
			take = (size_t)n;
		memcpy(head + have, rest, take);
		have += take;
	}
	if (n < 0)
		return err_sys(e, errno, "no answer");
	if (strncmp(head, "HTTP/1.", 7) != 0 || strncmp(head + 8, " 2", 2) != 0)
		return err_set(e, EPROTO,
			       "the answer is no success of HTTP: it begins "
			       "\"%s\"",
			       head);
	return 0;
}

int bench_request(uint16_t port, const char *path, struct err *e)
{
	AUTO_CLOSE int fd = connect_patiently(port, e);
	char text[512];
	int len;

	if (fd < 0)
		return fd;
	len = snprintf(text, sizeof(text),
		       "GET %s HTTP/1.1\r\nHost: localhost\r\n"
		       "Connection: close\r\n\r\n",
		       path);
	if (len >= (int)sizeof(text))
		return err_set(e, EINVAL, "the path is too long");
	if (write(fd, text, (size_t)len) != len)
		return err_sys(e, errno, "cannot send the request");
	return read_answer(fd, e);
}
