# SPDX-License-Identifier: Apache-2.0
# Datagrams go both ways through a published port.
. "$LIB"

port=$(free_port)
start -p "127.0.0.1:$port:5353/udp" "$PROG"
wait_line start.out ready
python3 - "$port" <<'PY'
import socket
import sys

address = ("127.0.0.1", int(sys.argv[1]))
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.settimeout(10)
    for text in [b"abc", b"", b"x" * 1400] + [b"%d" % i for i in range(100)]:
        s.sendto(text, address)
        want = b"%d 2 %s" % (len(text), text[::-1])
        got, peer = s.recvfrom(4000)
        if got != want or peer != address:
            sys.exit(f"{got!r} from {peer}, want {want!r}")
PY
kill -TERM "$PID"
wait "$PID"
