# SPDX-License-Identifier: Apache-2.0
# Limits of memory and time, the second Ctrl-C, and that nothing survives.
. "$LIB"

# monitors: how many instances of this test are there
monitors() {
	pgrep -c -s 0 -r D,R,S,T,t -x mayfly-monitor || true
}
no_monitor() {
	[ "$(monitors)" = 0 ] || fail 'a monitor is left running'
}

expect_status 125 run -m 1m "$PROGS/hello.musl"
expect_match '^mayfly: .*needs at least [0-9]+m of memory' err
need=$(sed -n 's/.*at least \([0-9]*m\) of.*/\1/p' err)
expect_status 3 run -m "$need" "$PROGS/hello.musl" </dev/null
expect_status 125 run -m 0 "$PROGS/hello.musl"
expect_status 125 run -m 1000g "$PROGS/hello.musl"
expect_match 'above 64g' err

for way in default default-busy ignore; do
	expect_status 124 run --timeout 300ms "$PROGS/signals.musl" $way
	expect_match '^mayfly: signals.musl did not end within 0.300 s' err
	[ "$(wc -l <err)" = 1 ] || fail "more than one line: $(cat err)"
	expect_match '^ready$' out
	no_monitor
done
# Children of the shell that became the command are not its business.
expect_status 124 sh -c 'sleep 25 & exec "$@"' sh "$MAYFLY" run --substrate \
	"$SUBSTRATE" --timeout 100ms "$PROGS/signals.musl" default
pkill -s 0 -x sleep
expect_status 3 run --timeout 1m "$PROGS/hello.musl" </dev/null

start "$PROGS/signals.musl" ignore-handle
wait_line start.out ready
kill -INT "$PID"
got=0
wait "$PID" || got=$?
[ "$got" = 3 ] || fail "one SIGINT: status $got"

cat >stubborn.c <<'C'
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	signal(SIGINT, SIG_IGN);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
C
musl-gcc -static -o stubborn stubborn.c
start ./stubborn
wait_line start.out ready
kill -INT "$PID"
sleep 0.3
kill -0 "$PID" || fail 'an ignored SIGINT ended the program'
kill -INT "$PID"
got=0
wait "$PID" || got=$?
[ "$got" = 130 ] || fail "two SIGINTs: status $got"
expect_match 'killed at the second SIGINT' start.err
no_monitor

# The command is killed: its instance goes too.
start ./stubborn
wait_line start.out ready
kill -KILL "$PID"
wait "$PID" 2>/dev/null || true
all_gone() {
	[ "$(monitors)" = 0 ]
}
until_true 5 all_gone

# The monitor is killed: the command says so.
start ./stubborn
wait_line start.out ready
kill -KILL "$(pgrep -P "$PID")"
got=0
wait "$PID" || got=$?
[ "$got" = 125 ] || fail "a killed monitor: status $got"
expect_match 'the monitor of stubborn was ended by SIGKILL' start.err

# A file that may not grow is the program's error, not the monitor's end.
cat >fill.c <<'C'
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	static char text[4096];

	while (write(1, text, sizeof(text)) > 0)
		;
	return errno == EFBIG ? 27 : 1;
}
C
musl-gcc -static -o fill fill.c
expect_status 124 run --timeout 1ms ./fill
got=0
(ulimit -f 64 && run ./fill >full 2>err) || got=$?
case $SUBSTRATE in
kvm)
	[ "$got" = 27 ] || fail "a full file: status $got: $(cat err)"
	;;
process) # memory is a file there
	[ "$got" = 125 ] || fail "no memory: status $got"
	expect_match 'cannot make guest memory.*File too large' err
	(ulimit -f 4194304 && run -m 64m ./fill >/dev/full 2>err) || got=$?
	[ "$got" = 1 ] || fail "a full disk: status $got: $(cat err)"
	;;
esac
