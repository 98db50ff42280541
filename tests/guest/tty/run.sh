# SPDX-License-Identifier: Apache-2.0
# /dev/tty is the terminal that the command has, and nothing without one.
. "$LIB"

# on_terminal CMD...: runs it on a terminal of 30 rows, where somebody answers
on_terminal() {
	python3 - "$@" <<'END'
import fcntl
import os
import pty
import struct
import sys
import termios

pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 90, 0, 0))
    os.execv(sys.argv[1], sys.argv[1:])
text = b""
answered = False
while True:
    try:
        data = os.read(fd, 4096)
    except OSError:
        break
    if not data:
        break
    text += data
    if b"name? " in text and not answered:
        answered = True
        os.write(fd, b"Ephemera\n")
sys.stdout.buffer.write(text.replace(b"\r\n", b"\n"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
}

# Sealing would tell its progress there.
"$MAYFLY" build -o prog.img "$PROG" >build.log
on_terminal "$PROG" >native
on_terminal "$MAYFLY" run --substrate "$SUBSTRATE" prog.img >guest ||
	fail "status $?: $(cat guest)"
expect_match '^hello, Ephemera$' guest
expect_match '^30 rows, 90 columns$' guest
diff native guest || fail 'on a terminal natively it is different'

expect_status 3 setsid "$PROG" </dev/null
mv out native
expect_status 3 run "$PROG" </dev/null
diff native out || fail 'without one natively it is different'
