# SPDX-License-Identifier: Apache-2.0
# Names in --egress: the addresses that a name server gives for them may be
# connected to, and no others. In a network of its own, which has nothing but
# a few addresses on its loopback.
# test: may-skip no network namespaces here
. "$LIB"

if [ "${1:-}" != inside ]; then
	unshare -rn true 2>/dev/null || skip "no network namespaces here"
	# at_end belongs to the inner shell.
	trap - EXIT
	exec unshare -rn sh -eu "$0" inside
fi

python3 - <<'PY'
import fcntl
import socket
import struct

SIOCSIFFLAGS, SIOCSIFADDR, IFF_UP = 0x8914, 0x8916, 1
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def address(name, ip):
    fcntl.ioctl(s, SIOCSIFADDR, struct.pack(
        "16sHH4s8s", name, socket.AF_INET, 0, socket.inet_aton(ip), b""))


fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP))
for i, ip in enumerate(["192.0.2.1", "192.0.2.2", "198.51.100.1"]):
    address(b"lo:%d" % i, ip)
PY
python3 "$SRC/tests/e2e/egress_names.py" &
PIDS="$PIDS $!"
wait_line ready ready

# fetch NAME OPTION...: what the program gets from port 80 of NAME
fetch() {
	name=$1
	shift
	run --dns 127.0.0.1:5300 "$@" "$PROGS/egress.musl" fetch "$name" 80 \
		>out 2>err || true
}
# gets TEXT NAME OPTION...
gets() {
	want=$1
	shift
	fetch "$@"
	[ "$(cat out)" = "$want" ] || fail "got '$(cat out)': $* ($(cat err))"
}
one='fetch: 192.0.2.1'
two='fetch: 192.0.2.2'
other='fetch: 198.51.100.1'
unknown='fetch: no such name'
denied='fetch: ENETUNREACH'

gets "$one" one.test --egress one.test
[ ! -s err ] || fail "said something: $(cat err)"
gets "$one" ONE.Test. --egress One.TEST.:80
gets "$denied" one.test --egress one.test:81
gets "$two" alias.test --egress alias.test
gets "$unknown" two.test --egress one.test
expect_match 'looked up two.test, which is not allowed; --egress two.te' err
gets "$one" a.b.wild.test --egress '*.wild.test'
gets "$unknown" wild.test --egress '*.wild.test'
gets "$unknown" none.test --egress none.test
gets "$other" other.test --egress all
gets "$other" other.test --egress 198.51.100.0/24
gets "$denied" one.test --egress 198.51.100.0/24
gets "$one" 192.0.2.1 --egress 192.0.2.1:80
gets "$denied" 192.0.2.2 --egress 192.0.2.1/32
gets "$two" 192.0.2.2 --egress 192.0.2.0/30:80
# Knowing an address is not enough without having asked for the name.
gets "$denied" 192.0.2.1 --egress one.test
# A name server cannot open the host's loopback.
gets "$denied" evil.test --egress evil.test
# The first name server is not there.
expect_status 0 run --dns 127.0.0.1:5301 --dns 127.0.0.1:5300 \
	--egress one.test "$PROGS/egress.musl" fetch one.test 80
expect_match "^$one\$" out
# The name server itself has one port, and TCP only where all names are good.
gets 'fetch: ECONNREFUSED' 169.254.1.3 --egress all
