# SPDX-License-Identifier: Apache-2.0
# A blocking accept loop serves 1,000 requests with keep-alive and without.
. "$LIB"

port=$(free_port)
start -p "127.0.0.1:$port:8080" "$PROG"
wait_port "$port"
load="$SRC/tests/http_load.py"
"$load" "$port" 'Hello from Mayfly!' -n 1
"$load" "$port" 'Hello from Mayfly!' -n 1000
"$load" "$port" 'Hello from Mayfly!' -n 1000 --close
"$load" "$port" 'Hello from Mayfly!' -n 1000 -c 1
"$load" "$port" 'Hello from Mayfly!' -n 1000 -c 4 --close
kill -TERM "$PID"
got=0
wait "$PID" || got=$?
[ "$got" = 0 ] || fail "SIGTERM: status $got: $(cat start.err)"
