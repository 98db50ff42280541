# SPDX-License-Identifier: Apache-2.0
# SIGTERM and SIGINT reach the program; without a handler they end it.
. "$LIB"

# A shell starts what is in the background with SIGINT ignored; undo that.
printf '#!/bin/sh\nexec env --default-signal=INT "%s" "$@"\n' "$MAYFLY" >mayfly
chmod +x mayfly
MAYFLY=./mayfly

# sends SIGNAL STATUS OUTPUT WAY
sends() {
	start "$PROG" "$4"
	wait_line start.out ready
	kill -"$1" "$PID"
	got=0
	wait "$PID" || got=$?
	[ "$got" = "$2" ] || fail "$4: $1 gave status $got, want $2"
	[ "$(sed -n 2p start.out)" = "$3" ] ||
		fail "$4: $1 gave $(cat start.out)"
}

sends TERM 3 'got SIGTERM' handle
sends INT 3 'got SIGINT' handle
sends TERM 3 'got SIGTERM' handle-busy
sends INT 3 'got SIGINT' handle-busy
sends TERM 143 '' default
sends INT 130 '' default
sends TERM 143 '' default-busy
sends INT 130 '' default-busy

start "$PROG" ignore
wait_line start.out ready
kill -TERM "$PID"
sleep 0.2
kill -0 "$PID" || fail 'an ignored SIGTERM ended the program'
kill -INT "$PID"
got=0
wait "$PID" || got=$?
[ "$got" = 130 ] || fail "SIGINT after an ignored SIGTERM: status $got"
