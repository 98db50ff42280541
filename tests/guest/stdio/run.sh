# SPDX-License-Identifier: Apache-2.0
# stdin, stdout and stderr of the program are the command's own.
. "$LIB"

# A megabyte through it, in pieces and from a slow writer.
awk 'BEGIN { for (i = 0; i < 100000; i++) print "line " i }' >big
run "$PROG" copy <big >copied
cmp big copied || fail 'a file was not copied'
cat big | run "$PROG" copy | cat >copied
cmp big copied || fail 'a pipe was not copied'
{ echo one; sleep 0.2; echo two; } | run "$PROG" copy >copied
[ "$(cat copied)" = "$(printf 'one\ntwo')" ] || fail 'slow input was lost'
run "$PROG" copy </dev/null >copied
[ ! -s copied ] || fail 'output from nothing'

# Appending, as a shell's >> does.
echo first >appended
echo second | run "$PROG" copy >>appended
[ "$(cat appended)" = "$(printf 'first\nsecond')" ] || fail 'append'

# A reader that leaves: SIGPIPE, or EPIPE where that is ignored.
noting() {
	got=0
	run "$PROG" "$@" 2>err || got=$?
	echo "$got" >status
}
noting endless | head -n 1 >first
[ "$(cat first)" = text ] || fail 'no output before the pipe broke'
[ "$(cat status)" = 141 ] || fail "broken pipe: status $(cat status)"
noting errors | head -n 1 >first
[ "$(cat status)" = 4 ] || fail "EPIPE: status $(cat status)"
expect_match '^write: Broken pipe' err

# Descriptors that are not there.
run "$PROG" states </dev/null >out 2>err || fail "states: $(cat err)"
expect_match '^read: 0' err
expect_match '^1: tty 0' err
run "$PROG" states <&- >out 2>err || fail "no stdin: $(cat err)"
expect_match '^0: Bad file descriptor' err
expect_match '^read: -1' err
run "$PROG" states </dev/null >&- 2>err || fail "no stdout: $(cat err)"
expect_match '^1: Bad file descriptor' err
run "$PROG" states </dev/null >out 2>&- || fail 'no stderr'

# What they are: the same as natively.
kinds() {
	"$PROG" kinds 2>native
	run "$PROG" kinds 2>guest
}
same() {
	[ -s native ] || fail "$1: nothing"
	diff native guest || fail "$1: fstat says something else"
}
kinds </dev/null >/dev/null
same /dev/null
kinds </dev/null >copied
same 'a regular file'
: | kinds | cat
same pipes
python3 - "$PROG" "$MAYFLY" "$SUBSTRATE" <<'END'
import socket
import subprocess
import sys

a, b = socket.socketpair()
prog, mayfly, substrate = sys.argv[1:]
for name, cmd in (("native", []), ("guest", [mayfly, "run", "--substrate",
                                             substrate])):
    with open(name, "w", encoding="ascii") as f:
        subprocess.run([*cmd, prog, "kinds"], stdin=a, stdout=b, stderr=f,
                       check=True)
END
same sockets
