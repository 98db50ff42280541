# SPDX-License-Identifier: Apache-2.0
# What an instance is after its tracer has gone, and what becomes of it when
# its tracer stands still.
# test: timeout 120
. "$LIB"

# Says when it is ready; a SIGUSR1 makes it call getpid 200000 times.
cat >burst.c <<'C'
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, 0);
	write(1, "ready\n", 6);
	for (;;) {
		sigwait(&set, &sig);
		if (sig == SIGUSR2)
			return 7;
		for (int i = 0; i < 200000; i++)
			syscall(SYS_getpid);
		write(1, "burst\n", 6);
	}
}
C
musl-gcc -static -O1 -w -o burst burst.c

attach() {
	rm -f trace tracer.err
	"$MAYFLY" trace -o trace --attach bursts "$@" 2>tracer.err &
	TRACER=$!
	PIDS="$PIDS $TRACER"
	wait_line tracer.err '^mayfly: attached to '
}
# bursts N [WHEN]: there were so many
bursts() {
	[ "$(grep -c burst start.out)" = "$1" ]
}
# A doorbell for each 128 KiB of records, from what --stats tells.
check_doorbells() {
	python3 - "$1" "$2" <<'PY'
import json, sys
low, high = int(sys.argv[1]), int(sys.argv[2])
stats = json.loads(open("start.err").read().splitlines()[-1])
rung = stats["doorbells"].get("trace", 0)
assert low <= rung <= high, (low, rung, high)
assert stats["syscalls"]["getpid"] >= 200000, stats["syscalls"]
PY
}

# While it is traced its calls are handed over, 200000 of them in hundreds of
# doorbells; after the detach none is.
start --stats --name bursts ./burst
wait_line start.out ready
attach -e getpid
kill -USR1 "$PID"
until_true 20 bursts 1 "traced"
kill -INT "$TRACER"
wait "$TRACER" || fail "tracer: $?"
[ "$(grep -c 'getpid()' trace)" = 200000 ] || fail "$(grep -c . trace) lines"
kill -USR2 "$PID"
wait "$PID" && fail "status 0" || [ $? = 7 ] || fail "status"
check_doorbells 100 100000

start --stats --name bursts ./burst
wait_line start.out ready
attach -e getpid
kill -INT "$TRACER"
wait "$TRACER" || fail "tracer: $?"
kill -USR1 "$PID"
until_true 20 bursts 1 "detached"
kill -USR2 "$PID"
wait "$PID" && fail "status 0" || [ $? = 7 ] || fail "status"
check_doorbells 0 10

# A tracer that stands still holds the program up, and does not lose a call.
start --name bursts ./burst
wait_line start.out ready
attach
kill -STOP "$TRACER"
kill -USR1 "$PID"
sleep 1
bursts 0 || fail "the program did not wait for its tracer"
kill -CONT "$TRACER"
until_true 20 bursts 1 "the tracer continued"
wait_line trace 'write\(1, "burst'
[ "$(grep -c 'getpid()' trace)" = 200000 ] || fail "calls are missing"
kill -STOP "$TRACER"
kill -USR1 "$PID"
sleep 0.5
# One that is killed then lets go.
kill -9 "$TRACER"
until_true 20 bursts 2 "the tracer was killed"

# The instance can be ended while its tracer stands still: by a second
# Ctrl-C, by the time limit, or by force.
attach
kill -STOP "$TRACER"
kill -USR1 "$PID"
sleep 0.5
kill -INT "$PID"
kill -INT "$PID" 2>/dev/null || true
sleep 0.2
kill -INT "$PID" 2>/dev/null || true
got=0
wait "$PID" || got=$?
[ "$got" = 130 ] || fail "interrupted: status $got"
kill -CONT "$TRACER"
wait "$TRACER" || fail "the tracer of an ended instance: $?"
[ ! -e "$XDG_RUNTIME_DIR"/mayfly/bursts ] || fail "the socket is still there"

start --timeout 2s --name bursts ./burst
wait_line start.out ready
attach
kill -STOP "$TRACER"
kill -USR1 "$PID"
got=0
wait "$PID" || got=$?
[ "$got" = 124 ] || fail "timeout: status $got"
kill -CONT "$TRACER"
wait "$TRACER" || fail "the tracer of an ended instance: $?"

# mayfly trace of a program is its instance: killed, nothing is left but a
# name that the next one takes.
"$MAYFLY" trace --substrate "$SUBSTRATE" -o trace --name bursts ./burst \
	>own.out 2>own.err &
OWN=$!
wait_line own.out ready
kill -9 "$OWN"
wait "$OWN" || true
start --name bursts ./burst
wait_line start.out ready
expect_status 127 "$MAYFLY" trace no-such
expect_match 'running instance no-such; running: bursts$' err
kill -USR2 "$PID"
wait "$PID" || true
