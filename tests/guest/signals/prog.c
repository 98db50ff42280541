/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits for signals from outside, computing or sleeping, with a handler or
 * without; says which one came.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t got;

static void on_signal(int sig)
{
	got = sig;
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";
	volatile unsigned long x = 0;

	if (strstr(way, "handle")) {
		signal(SIGTERM, on_signal);
		signal(SIGINT, on_signal);
	}
	if (strstr(way, "ignore"))
		signal(SIGTERM, SIG_IGN);
	printf("ready\n");
	fflush(stdout);
	while (!got) {
		if (strstr(way, "busy"))
			x++;
		else
			pause();
	}
	printf("got %s\n", got == SIGTERM ? "SIGTERM" : "SIGINT");
	return 3;
}
