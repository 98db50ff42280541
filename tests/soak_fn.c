/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The function of tests/soak.py: one connection at a time, and what its path
 * asks for. /echo/WORD answers WORD; the others misbehave, each in its way.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY_MAX 4096

static void say(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = write(fd, text, len);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

static void answer(int fd, const char *body)
{
	char head[256];

	snprintf(head, sizeof(head),
		 "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n"
		 "Connection: close\r\n\r\n",
		 strlen(body));
	say(fd, head);
	say(fd, body);
}

static void serve(int fd, char *path)
{
	volatile int *nowhere = NULL;
	static char *kept;

	if (strncmp(path, "/echo/", 6) == 0) {
		answer(fd, path + 6);
	} else if (strncmp(path, "/slow/", 6) == 0) {
		usleep(50000);
		answer(fd, path + 6);
	} else if (strcmp(path, "/crash") == 0) {
		*nowhere = 1;
	} else if (strcmp(path, "/exit") == 0) {
		exit(3);
	} else if (strcmp(path, "/half") == 0) {
		say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
	} else if (strcmp(path, "/garbage") == 0) {
		say(fd, "this is not HTTP\r\n\r\n");
	} else if (strcmp(path, "/hang") == 0) {
		sleep(5);
	} else if (strcmp(path, "/leak") == 0) {
		kept = malloc(256u << 20);
		if (kept)
			memset(kept, 1, 256u << 20);
		answer(fd, "leaked");
	} else {
		answer(fd, "well");
	}
}

static void handle(int fd)
{
	char buf[BODY_MAX + 1], *path = buf + 4, *end;
	size_t len = 0;

	do {
		ssize_t n = read(fd, buf + len, BODY_MAX - len);

		if (n <= 0)
			return;
		len += (size_t)n;
		buf[len] = '\0';
	} while (len < BODY_MAX && !strstr(buf, "\r\n\r\n"));
	end = strncmp(buf, "GET /", 5) == 0 ? strchr(path, ' ') : NULL;
	if (!end)
		return;
	*end = '\0';
	serve(fd, path);
}

int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	const char *port = getenv("PORT");
	int s = socket(AF_INET, SOCK_STREAM, 0), fd;

	a.sin_port = htons((uint16_t)(port ? strtol(port, NULL, 10) : 8080));
	if (s < 0 || bind(s, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(s, 64) < 0)
		return 1;
	while ((fd = accept(s, NULL, NULL)) >= 0) {
		handle(fd);
		close(fd);
	}
	return 1;
}
