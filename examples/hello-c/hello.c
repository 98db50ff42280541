/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small HTTP server: one blocking accept loop, one connection at a time,
 * keep-alive. PORT in the environment overrides 8080. SIGTERM and SIGINT end
 * it with status 0.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static const char body[] = "Hello from Mayfly!\n";

#define HEAD                           \
	"HTTP/1.1 200 OK\r\n"          \
	"Content-Type: text/plain\r\n" \
	"Content-Length: 19\r\n"
static const char head_keep[] = HEAD "\r\n";
static const char head_close[] = HEAD "Connection: close\r\n\r\n";

_Static_assert(sizeof(body) - 1 == 19, "Content-Length");

static void on_term(int sig)
{
	(void)sig;
	_exit(0);
}

static bool send_all(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool answer(int fd, const char *request)
{
	bool close_after = strcasestr(request, "\r\nconnection: close") ||
			   strstr(request, " HTTP/1.0\r\n");
	const char *head = close_after ? head_close : head_keep;
	char out[sizeof(head_close) + sizeof(body)];
	size_t head_len = strlen(head);

	memcpy(out, head, head_len);
	memcpy(out + head_len, body, sizeof(body) - 1);
	return send_all(fd, out, head_len + sizeof(body) - 1) && !close_after;
}

/* Answers requests (heads only, no bodies) until the client has had enough. */
static void serve(int fd)
{
	char buf[4096];
	size_t len = 0;

	for (;;) {
		char *end;
		ssize_t n = read(fd, buf + len, sizeof(buf) - 1 - len);

		if (n <= 0)
			return;
		len += (size_t)n;
		buf[len] = '\0';
		while ((end = strstr(buf, "\r\n\r\n"))) {
			end[2] = '\0';
			if (!answer(fd, buf))
				return;
			end += 4;
			len -= (size_t)(end - buf);
			memmove(buf, end, len + 1);
		}
		if (len == sizeof(buf) - 1)
			return;
	}
}

int main(void)
{
	const char *port = getenv("PORT");
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port =
			htons(port ? (uint16_t)strtoul(port, NULL, 10) : 8080),
	};
	int one = 1;
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	signal(SIGTERM, on_term);
	signal(SIGINT, on_term);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(listener, 128) < 0)
		return 1;
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		serve(fd);
		close(fd);
	}
}
