/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function that misbehaves when it is asked to. /spin and /eat are what the
 * path says, after an answer; instead of an answer /wait waits, /stay too, also
 * if it is asked to end, /exit ends with status 3, /die aborts, /crash writes
 * where nothing is, /leak takes all memory, /garbage is no answer. /say?TEXT
 * writes TEXT to stdout and stderr, /turns?N does so N times, /escape what a
 * terminal obeys, /flood?N writes N lines. Everything else gets an answer.
 */
#include <arpa/inet.h>
#include <signal.h>
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

/* Its name is to be in the backtrace. */
__attribute__((noinline)) void crash_here(volatile int *at)
{
	*at = 1;
}

static void say(const char *text)
{
	printf("%s\n", text);
	fflush(stdout);
	fprintf(stderr, "err %s\n", text);
}

static void flood(long count)
{
	for (long i = 0; i < count; i++)
		printf("line %ld of a flood\n", i);
	fflush(stdout);
}

/* What happens before there is an answer. */
static void act(const char *path, const char *query)
{
	if (strcmp(path, "/stay") == 0)
		signal(SIGTERM, SIG_IGN);
	if (strcmp(path, "/wait") == 0 || strcmp(path, "/stay") == 0)
		pause();
	if (strcmp(path, "/exit") == 0)
		_exit(3);
	if (strcmp(path, "/die") == 0)
		abort();
	if (strcmp(path, "/crash") == 0)
		crash_here((volatile int *)16);
	if (strcmp(path, "/leak") == 0)
		eat();
	if (strcmp(path, "/say") == 0)
		say(query);
	if (strcmp(path, "/turns") == 0)
		for (long i = strtol(query, NULL, 10); i > 0; i--)
			say("turn");
	if (strcmp(path, "/escape") == 0)
		say("a\033[31mb\302\233c\377");
	if (strcmp(path, "/flood") == 0)
		flood(strtol(query, NULL, 10));
}

static void serve(int fd)
{
	volatile unsigned long spun = 0;
	char text[4096], *path = text, *query;
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	strsep(&path, " ");
	path = strsep(&path, " ");
	query = path ? path : text;
	path = strsep(&query, "?");
	act(path, query ? query : "");
	if (strcmp(path, "/garbage") == 0) {
		dprintf(fd, "this is no answer\r\n\r\n");
		close(fd);
		return;
	}
	answer(fd, "here\n");
	while (strcmp(path, "/spin") == 0)
		spun++;
	if (strcmp(path, "/eat") == 0)
		eat();
}

int main(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	const char *port = getenv("PORT");
	int s = socket(AF_INET, SOCK_STREAM, 0), fd;

	signal(SIGPIPE, SIG_IGN);
	addr.sin_port =
		htons((unsigned short)strtol(port ? port : "0", NULL, 10));
	if (bind(s, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(s, 16) < 0)
		return 1;
	while ((fd = accept(s, NULL, NULL)) >= 0)
		serve(fd);
	return 0;
}
