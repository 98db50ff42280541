/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three standard descriptors. A command may be started without some of
 * them; the program is then to find them closed too, while our own files must
 * not take their numbers.
 */
#include "launch/console.h"

#include <fcntl.h>

static bool absent[3];

void console_hold(void)
{
	int fd;

	for (fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		absent[fd] = true;
		/* The lowest free number is fd: all below it are open. */
		if (open("/dev/null", O_RDWR) != fd)
			return;
	}
}

bool console_absent(int fd)
{
	return absent[fd];
}
