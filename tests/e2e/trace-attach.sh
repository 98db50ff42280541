# SPDX-License-Identifier: Apache-2.0
# mayfly trace NAME: attaching to a running instance and letting go of it; the
# instance goes on, whatever becomes of those who trace it.
# test: timeout 120
. "$LIB"

cat >loop.c <<'C'
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static void *wait_forever(void *arg)
{
	pause();
	return arg;
}

int main(void)
{
	struct timespec t = { 0, 5000000 };
	pthread_t other;
	char name[64];

	pthread_create(&other, NULL, wait_forever, NULL);
	gethostname(name, sizeof(name));
	printf("ready %s\n", name);
	fflush(stdout);
	for (unsigned i = 1;; i++) {
		nanosleep(&t, NULL);
		if (i % 20 == 0)
			write(1, ".\n", 2);
	}
}
C
musl-gcc -static -O1 -w -pthread -o loop loop.c

tracing() {
	file=$1
	shift
	rm -f "$file"
	"$MAYFLY" trace "$@" >tracer.out 2>"$file" &
	TRACER=$!
	PIDS="$PIDS $TRACER"
	wait_line "$file" '^mayfly: attached to '
}
ended() {
	got=0
	wait "$TRACER" || got=$?
	[ "$got" = "$1" ] || fail "tracer: status $got, want $1"
}
# goes_on WHEN: the program does, since this was called
goes_on() {
	before=$(grep -c . start.out)
	until_true 10 has_gone_on "$1"
}
has_gone_on() {
	[ "$(grep -c . start.out)" -ge "$((before + 2))" ]
}

start --name looper ./loop
wait_line start.out '^ready looper$'
[ -S "$XDG_RUNTIME_DIR"/mayfly/looper ] || fail "no socket"

# By name: the call that a thread waits in, then what happens.
tracing one looper
wait_line one '^\[pid     1\] .*nanosleep.* = 0 <'
wait_line one 'write\(1, "\.\\n", 2\) += 2 <'
expect_match '^\[pid     2\] pause\( <unfinished \.\.\.>$' one
# One at a time.
expect_status 125 "$MAYFLY" trace --attach looper
expect_match 'looper is being traced already' err
kill -INT "$TRACER"
ended 0
[ "$(tail -n 1 one)" = "mayfly: detached from looper" ] || fail "$(tail one)"
goes_on "after a detach"

# Filter, counts and file work as from the start.
tracing two --attach looper -c --filter nanosleep,pause
sleep 0.3
kill -TERM "$TRACER"
ended 0
expect_match ' nanosleep$' two
! grep -q write two || fail "filter: $(cat two)"
tracing three -o file --attach looper
wait_line file '^1     write\(1, '
kill -9 "$TRACER"
ended 137
goes_on "after its tracer was killed"

# Clients that do not play by the rules.
client() {
	python3 "$SRC/tests/instance_client.py" looper "$@"
}
client version >answer
expect_match '^1 -71 looper was started by another version' answer
client short >answer
expect_match '^1 -71 ' answer
client nothing >answer
expect_match '^1 -22 the request is malformed$' answer
for _ in 1 2 3 4 5 6 7 8 9 10; do
	client vanish
done
goes_on "after tracers that vanished"
client blocked >answer
[ "$(cat answer)" = 8 ] || fail "connections: $(cat answer)"
# A reader that does not read: the program waits for it, then goes on.
client hold 1
goes_on "after a reader that did not read"
tracing four looper
wait_line four 'nanosleep'

# The end of the instance is the end of the trace.
kill -TERM "$PID"
ended 0
expect_match '^\[pid     [12]\] --- SIGTERM \{si_signo=SIGTERM, ' four
expect_match '\+\+\+ killed by SIGTERM \+\+\+' four
got=0
wait "$PID" || got=$?
[ "$got" = 143 ] || fail "status $got"
[ ! -e "$XDG_RUNTIME_DIR"/mayfly/looper ] || fail "the socket is still there"
expect_status 127 "$MAYFLY" trace looper
expect_match 'neither a file nor a running instance looper; no instance is' err

# Without a name it is the host name; a file of the name comes first.
start ./loop
wait_line start.out '^ready [0-9a-f]{12}$'
id=$(sed -n 's/^ready //p' start.out)
tracing five "$id"
wait_line five nanosleep
kill -INT "$TRACER"
ended 0
cp "$PROGS/hello.musl" "$id"
expect_status 126 "$MAYFLY" trace --substrate "$SUBSTRATE" ./start.out
expect_status 3 "$MAYFLY" trace --substrate "$SUBSTRATE" "$id" </dev/null
expect_match '^exit_group' err

# What is traced from its start is not to be had; it is listed.
"$MAYFLY" trace --substrate "$SUBSTRATE" --name own -o own.trace ./loop \
	>own.out 2>own.err &
PIDS="$PIDS $!"
wait_line own.out ready
expect_status 125 "$MAYFLY" trace own
expect_match 'own is being traced already' err
expect_status 127 "$MAYFLY" trace none-such
expect_match "running: ($id, own|own, $id)\$" err
