# SPDX-License-Identifier: Apache-2.0
# Published ports that cannot be had are refused by name, before anything
# runs; those that can answer, on the address that was asked for.
. "$LIB"

# refused REGEX SPEC...
refused() {
	regex=$1
	shift
	expect_status 125 run "$@" "$PROGS/http-epoll.musl"
	expect_match "^mayfly: .*$regex" err
}

refused 'port 70000 is out of range' -p 70000:80
refused 'port 0 is out of range' -p 0:80
refused 'port 65536 is out of range' -p 80:65536
refused 'write it like' -p 80
refused 'write it like' -p eighty:80
refused 'tcp or udp, not sctp' -p 80:80/sctp
refused '1.2.3 is not an address' -p 1.2.3:80:80
refused "port 80 is published twice" -p 8081:80 -p 8082:80
refused "the host's port 8081 is published twice" -p 8081:80 -p 8081:81
refused 'does not have that address' -p 203.0.113.7:18080:80

port=$(free_port)
python3 - "$port" <<'PY' &
import socket
import sys
import time
s = socket.socket()
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen()
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(("127.0.0.1", int(sys.argv[1])))
open("bound", "w").close()
time.sleep(60)
PY
PIDS="$PIDS $!"
while [ ! -e bound ]; do
	sleep 0.02
done
refused "port $port/tcp of the host is already in use" \
	-p "127.0.0.1:$port:8080"
refused "port $port/udp of the host is already in use" \
	-p "127.0.0.1:$port:8080/udp"
refused "port $port/tcp" -p "127.0.0.1:$(free_port):1" -p "127.0.0.1:$port:2"

# also by a program that does not listen yet
port=$(free_port)
start -p "127.0.0.1:$port:8080" "$PROGS/signals.musl" default
wait_line start.out ready
refused "port $port/tcp of the host is already in use" \
	-p "127.0.0.1:$port:8080"
refused "port $port/tcp of the host is already in use" -p "$port:8080"
kill -TERM "$PID"
wait "$PID" || true

port=$(free_port)
start -p "127.0.0.1:$port:8080" "$PROGS/http-epoll.musl"
wait_port "$port"
"$SRC/tests/http_load.py" "$port" 'epoll says hello' -n 3
# taken as long as it runs, free again at once
refused "port $port/tcp of the host is already in use" \
	-p "127.0.0.1:$port:8080"
kill -TERM "$PID"
wait "$PID" || true
start -p "127.0.0.1:$port:8080" "$PROGS/http-epoll.musl"
wait_port "$port"
"$SRC/tests/http_load.py" "$port" 'epoll says hello' -n 3
