/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standard input, output and error in several states; run.sh makes them.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int copy(void)
{
	static char buf[65536];
	ssize_t n;

	while ((n = read(0, buf, sizeof(buf))) > 0)
		for (ssize_t at = 0; at < n;) {
			ssize_t w = write(1, buf + at, (size_t)(n - at));

			if (w < 0)
				return 1;
			at += w;
		}
	return n < 0;
}

static int errors(void)
{
	ssize_t n;

	signal(SIGPIPE, SIG_IGN);
	do {
		n = write(1, "text\n", 5);
	} while (n > 0);
	fprintf(stderr, "write: %s\n", strerror(errno));
	return 4;
}

static int endless(void)
{
	for (;;)
		if (write(1, "text\n", 5) < 0)
			return 5;
}

static int states(void)
{
	struct pollfd p = { .fd = 0, .events = POLLIN };
	char c;

	for (int fd = 0; fd < 3; fd++) {
		struct stat st;

		if (fstat(fd, &st) < 0)
			fprintf(stderr, "%d: %s\n", fd, strerror(errno));
		else
			fprintf(stderr, "%d: tty %d\n", fd, isatty(fd));
	}
	fprintf(stderr, "poll: %d %#x\n", poll(&p, 1, 0), p.revents);
	fprintf(stderr, "read: %d\n", (int)read(0, &c, 1));
	return 0;
}

/* What stdin and stdout are, on stderr. */
static int kinds(void)
{
	for (int fd = 0; fd < 2; fd++) {
		struct stat st;

		if (fstat(fd, &st) == 0)
			fprintf(stderr, "%d: %o, device %lx\n", fd,
				st.st_mode & S_IFMT, (long)st.st_rdev);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "copy"))
		return copy();
	if (argc > 1 && !strcmp(argv[1], "errors"))
		return errors();
	if (argc > 1 && !strcmp(argv[1], "endless"))
		return endless();
	if (argc > 1 && !strcmp(argv[1], "kinds"))
		return kinds();
	return states();
}
