/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function that misbehaves when it is asked to: /spin, /eat and /wait are
 * what its path says, /die a crash. Everything else gets an answer.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void answer(int fd, const char *text)
{
	dprintf(fd,
		"HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n"
		"Connection: close\r\n\r\n%s",
		strlen(text), text);
	shutdown(fd, SHUT_WR);
	close(fd);
}

static void eat(void)
{
	for (int i = 0;; i++) {
		char *more = malloc(1 << 20);

		if (more)
			memset(more, i, 1 << 20);
	}
}

static void serve(int fd)
{
	volatile unsigned long spun = 0;
	char text[4096];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	if (strncmp(text, "GET /wait", 9) == 0)
		pause();
	if (strncmp(text, "GET /die", 8) == 0)
		abort();
	answer(fd, "here\n");
	while (strncmp(text, "GET /spin", 9) == 0)
		spun++;
	if (strncmp(text, "GET /eat", 8) == 0)
		eat();
}

int main(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	const char *port = getenv("PORT");
	int s = socket(AF_INET, SOCK_STREAM, 0), fd;

	addr.sin_port =
		htons((unsigned short)strtol(port ? port : "0", NULL, 10));
	if (bind(s, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(s, 16) < 0)
		return 1;
	while ((fd = accept(s, NULL, NULL)) >= 0)
		serve(fd);
	return 0;
}
