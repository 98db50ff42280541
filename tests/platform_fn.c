/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function that is, by its variables, a good one or a bad one: SAY is what
 * it answers, STATUS the status line, GARBAGE what it sends instead; EXIT is
 * the status that it ends with, MUTE lets it listen nowhere, SLOW is how many
 * seconds it takes until it listens.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *variable(const char *name, const char *missing)
{
	const char *value = getenv(name);

	return value ? value : missing;
}

static void serve(int fd)
{
	const char *say = variable("SAY", "here"), *junk = getenv("GARBAGE");
	char text[8192];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	printf("asked for %.*s\n", (int)strcspn(text, "\r\n"), text);
	fflush(stdout);
	if (junk)
		dprintf(fd, "%s\r\n\r\n", junk);
	else
		dprintf(fd,
			"HTTP/1.1 %s\r\nContent-Length: %zu\r\n"
			"Connection: close\r\n\r\n%s\n",
			variable("STATUS", "200 OK"), strlen(say) + 1, say);
	shutdown(fd, SHUT_WR);
	close(fd);
}

int main(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	int s = socket(AF_INET, SOCK_STREAM, 0), fd;

	if (getenv("EXIT")) {
		fprintf(stderr, "there is no configuration\n");
		return (int)strtol(getenv("EXIT"), NULL, 10);
	}
	if (getenv("CRASH"))
		abort();
	if (getenv("MUTE"))
		for (;;)
			pause();
	sleep((unsigned)strtol(variable("SLOW", "0"), NULL, 10));
	addr.sin_port =
		htons((unsigned short)strtol(variable("PORT", "0"), NULL, 10));
	if (bind(s, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(s, 16) < 0)
		return 1;
	while ((fd = accept(s, NULL, NULL)) >= 0)
		serve(fd);
	return 0;
}
