/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks for a name on the terminal, as programs do that read a password
 * whatever their standard input is.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static void open_as(const char *name, int flags)
{
	int fd = open("/dev/tty", flags);

	printf("%s: %s\n", name, fd < 0 ? strerror(errno) : "open");
	if (fd >= 0)
		close(fd);
}

int main(void)
{
	int fd = open("/dev/tty", O_RDWR);
	struct winsize w;
	struct stat st;
	char line[100];
	ssize_t n;

	if (fd < 0) {
		printf("/dev/tty: %s\n", strerror(errno));
		return 3;
	}
	fstat(fd, &st);
	printf("terminal %d, character device %d\n", isatty(fd),
	       S_ISCHR(st.st_mode));
	if (ioctl(fd, TIOCGWINSZ, &w) == 0)
		printf("%d rows, %d columns\n", w.ws_row, w.ws_col);
	fflush(stdout);
	if (write(fd, "name? ", 6) != 6)
		return 4;
	n = read(fd, line, sizeof(line) - 1);
	if (n <= 0)
		return 5;
	line[n] = '\0';
	printf("hello, %s", line);
	close(fd);
	open_as("for reading", O_RDONLY);
	open_as("for writing", O_WRONLY);
	return 0;
}
