/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP server around one epoll: edge-triggered, non-blocking, signals by
 * an eventfd that the handler writes.
 *
 * test: flavours musl glibc
 * test: timeout 90
 */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n"
			     "epoll says hello\n";

struct conn {
	int fd;
	size_t in_len, out_left;
	bool close_after;
	char in[4096];
};

static int epoll, stop_event;

static void on_term(int sig)
{
	uint64_t one = 1;

	(void)sig;
	if (write(stop_event, &one, sizeof(one)) < 0)
		_exit(2);
}

static void watch(int fd, uint32_t events, void *data)
{
	struct epoll_event ev = { .events = events, .data.ptr = data };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		_exit(3);
}

static void accept_all(int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		struct conn *c = calloc(1, sizeof(*c));

		c->fd = fd;
		watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, c);
	}
}

/* Sends what is left of the answer; false when the connection is over. */
static bool flush_out(struct conn *c)
{
	while (c->out_left) {
		size_t len = sizeof(answer) - 1;
		ssize_t n = send(c->fd, answer + len - c->out_left, c->out_left,
				 MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN;
		c->out_left -= (size_t)n;
	}
	return !c->close_after;
}

/* Answers the requests that are complete; false when the end has come. */
static bool answer_all(struct conn *c)
{
	char *end;

	c->in[c->in_len] = '\0';
	while (!c->out_left && (end = strstr(c->in, "\r\n\r\n"))) {
		end[2] = '\0';
		if (strcasestr(c->in, "\r\nconnection: close"))
			c->close_after = true;
		end += 4;
		c->in_len -= (size_t)(end - c->in);
		memmove(c->in, end, c->in_len + 1);
		c->out_left = sizeof(answer) - 1;
		if (!flush_out(c))
			return false;
	}
	return true;
}

static bool serve(struct conn *c)
{
	ssize_t n;

	if (!flush_out(c))
		return false;
	for (;;) {
		n = read(c->fd, c->in + c->in_len,
			 sizeof(c->in) - 1 - c->in_len);
		if (n < 0)
			return errno == EAGAIN;
		if (n == 0)
			return false;
		c->in_len += (size_t)n;
		if (!answer_all(c))
			return false;
	}
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6,
				  .sin6_port = htons(port) };
	int one = 1, fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(fd, 128) < 0)
		_exit(4);
	return fd;
}

int main(void)
{
	struct epoll_event ev[16];
	int listener = listen_on(8080);

	epoll = epoll_create1(EPOLL_CLOEXEC);
	stop_event = eventfd(0, EFD_NONBLOCK);
	signal(SIGTERM, on_term);
	watch(listener, EPOLLIN, &listener);
	watch(stop_event, EPOLLIN, &stop_event);
	for (;;) {
		int n = epoll_wait(epoll, ev, 16, -1);

		for (int i = 0; i < n; i++) {
			struct conn *c = ev[i].data.ptr;

			if (ev[i].data.ptr == &stop_event)
				return 0;
			if (ev[i].data.ptr == &listener) {
				accept_all(listener);
			} else if (!serve(c)) {
				close(c->fd);
				free(c);
			}
		}
	}
}
