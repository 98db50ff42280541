# SPDX-License-Identifier: Apache-2.0
# Go net/http serves 1,000 requests with keep-alive and without.
. "$LIB"

port=$(free_port)
start -p "127.0.0.1:$port:8080" "$PROG"
wait_port "$port"
load="$SRC/tests/http_load.py"
"$load" "$port" 'Serverless Unikernels!' -n 1
"$load" "$port" 'Serverless Unikernels!' -n 1000
"$load" "$port" 'Serverless Unikernels!' -n 1000 --close
"$load" "$port" 'Serverless Unikernels!' -n 1000 -c 8
"$load" "$port" 'Serverless Unikernels!' -n 1000 -c 4 --close
kill -TERM "$PID"
got=0
wait "$PID" || got=$?
[ "$got" = 143 ] || fail "SIGTERM: status $got: $(cat start.err)"
