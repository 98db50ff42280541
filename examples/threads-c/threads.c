/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP server with a thread per connection, keep-alive. The answer counts
 * the requests served so far. PORT in the environment overrides 8080.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static atomic_ulong served;

static void on_term(int sig)
{
	(void)sig;
	_exit(0);
}

static bool answer(FILE *out, bool close_after)
{
	char body[64];
	int len = snprintf(body, sizeof(body), "Request %lu\n",
			   atomic_fetch_add(&served, 1) + 1);

	fprintf(out,
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
		"Content-Length: %d\r\n%s\r\n%s",
		len, close_after ? "Connection: close\r\n" : "", body);
	return fflush(out) == 0 && !close_after;
}

static void serve(FILE *in, FILE *out)
{
	char line[1024];
	bool close_after = false;

	while (fgets(line, sizeof(line), in)) {
		if (!strcasecmp(line, "connection: close\r\n") ||
		    strstr(line, " HTTP/1.0\r\n"))
			close_after = true;
		if (!strcmp(line, "\r\n") && !answer(out, close_after))
			return;
	}
}

static void *connection(void *arg)
{
	int fd = (int)(intptr_t)arg;
	FILE *in = fdopen(fd, "r");
	FILE *out = fdopen(dup(fd), "w");

	if (in && out)
		serve(in, out);
	if (out)
		fclose(out);
	if (in)
		fclose(in);
	return NULL;
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

	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, on_term);
	signal(SIGINT, on_term);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(listener, 128) < 0) {
		perror("threads-c: listen");
		return 1;
	}
	for (;;) {
		pthread_t thread;
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		if (pthread_create(&thread, NULL, connection,
				   (void *)(intptr_t)fd) == 0)
			pthread_detach(thread);
		else
			close(fd);
	}
}
