/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP server around one epoll: what examples/hello-c answers, on many
 * connections at once, all kept. PORT in the environment overrides 8080. A
 * request must fit in one read and in BUF bytes, as wrk's do.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUF    4096
#define EVENTS 64

static const char answer[] = "HTTP/1.1 200 OK\r\n"
			     "Content-Type: text/plain\r\n"
			     "Content-Length: 19\r\n"
			     "\r\n"
			     "Hello from Mayfly!\n";

static int listen_on(uint16_t port)
{
	const int one = 1;
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(fd, 128) < 0)
		_exit(1);
	return fd;
}

static void watch(int epoll, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		_exit(1);
}

static bool serve(int fd)
{
	char buf[BUF];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n < 4 || memcmp(buf + n - 4, "\r\n\r\n", 4) != 0)
		return false;
	return send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) ==
	       sizeof(answer) - 1;
}

int main(void)
{
	const char *port = getenv("PORT");
	int listener = listen_on(port ? (uint16_t)strtoul(port, NULL, 10) :
					(uint16_t)8080);
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev[EVENTS];

	watch(epoll, listener);
	for (;;) {
		int n = epoll_wait(epoll, ev, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd = ev[i].data.fd;

			if (fd != listener && !serve(fd))
				close(fd);
			if (fd != listener)
				continue;
			fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
			if (fd >= 0)
				watch(epoll, fd);
		}
	}
}
