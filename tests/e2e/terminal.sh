# SPDX-License-Identifier: Apache-2.0
# On a terminal: the program sees one and its size, Ctrl-C reaches it exactly
# once, and lines that are typed arrive.
. "$LIB"

cat >prog.c <<'C'
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

static volatile sig_atomic_t count;

static void on_int(int sig)
{
	(void)sig;
	count++;
}

int main(void)
{
	struct winsize w = { 0 };
	char line[64];

	signal(SIGINT, on_int);
	ioctl(0, TIOCGWINSZ, &w);
	printf("tty %d%d%d %dx%d\n", isatty(0), isatty(1), isatty(2),
	       w.ws_row, w.ws_col);
	fflush(stdout);
	while (!count)
		pause();
	usleep(200000);
	printf("count %d\n", count);
	fflush(stdout);
	if (fgets(line, sizeof(line), stdin))
		printf("line %s", line);
	return 5;
}
C
musl-gcc -static -o prog prog.c
run --timeout 1ms ./prog >/dev/null 2>&1 || true # seals it

cat >drive.py <<'PY'
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
    os.execv(sys.argv[1], sys.argv[1:])
seen = b""


def expect(pattern):
    global seen
    end = time.monotonic() + 10
    while not re.search(pattern, seen):
        left = end - time.monotonic()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            sys.exit(f"no {pattern!r} in {seen!r}")
        try:
            seen += os.read(fd, 4096)
        except OSError:
            sys.exit(f"ended: no {pattern!r} in {seen!r}")


expect(rb"tty 111 33x77\r\n")
os.write(fd, b"\x03")
expect(rb"count 1\r\n")
os.write(fd, b"hello\n")
expect(rb"line hello\r\n")
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
if status != 5:
    sys.exit(f"status {status}, output {seen!r}")
PY
expect_status 0 python3 drive.py "$MAYFLY" run --substrate "$SUBSTRATE" ./prog
