/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A UDP server on a published port: answers each datagram with its length,
 * its sender's family and its text turned round.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_term(int sig)
{
	(void)sig;
	_exit(0);
}

int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(5353) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	static char in[2000], out[2100];

	signal(SIGTERM, on_term);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return 1;
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, in, sizeof(in), 0,
				     (struct sockaddr *)&from, &len);
		int at;

		if (n < 0)
			return 2;
		at = snprintf(out, sizeof(out), "%zd %d ", n, from.sin_family);
		for (ssize_t i = 0; i < n; i++)
			out[at++] = in[n - 1 - i];
		sendto(fd, out, (size_t)at, 0, (struct sockaddr *)&from, len);
	}
}
