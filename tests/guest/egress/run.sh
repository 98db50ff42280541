# SPDX-License-Identifier: Apache-2.0
# Connections to the outside: natively and from a guest that may make them the
# same things happen; a guest that may not is refused, and the log says how to
# allow it.
# test: timeout 60
. "$LIB"

python3 "$SRC/tests/guest/egress/server.py" ports &
PIDS="$PIDS $!"
wait_line ports '^[0-9]'
read -r echo rst full udp closed <ports
"$PROG" 127.0.0.1 "$echo" "$rst" "$full" "$udp" "$closed" >native

# same OPTION...: the guest sees what the native program sees
same() {
	expect_status 0 run "$@" "$PROG" host.mayfly.internal \
		"$echo" "$rst" "$full" "$udp" "$closed"
	diff native out || fail "the guest sees something else with $*"
	[ ! -s err ] || fail "stderr is not empty: $(cat err)"
}
same --egress host.mayfly.internal
same --egress HOST.mayfly.internal:"$echo" \
	--egress host.mayfly.internal:"$rst" \
	--egress host.mayfly.internal:"$full" \
	--egress host.mayfly.internal:"$udp" \
	--egress host.mayfly.internal:"$closed"

# denied OPTION...: everything is refused
denied() {
	expect_status 0 run "$@" "$PROG" 169.254.1.1 "$echo"
	printf '%s\n' 'denied: ENETUNREACH' >want
	if [ $# -gt 0 ]; then
		printf '%s\n' 'denied later: EINPROGRESS' \
			'so_error: ENETUNREACH' >>want
	else
		printf '%s\n' 'denied later: ENETUNREACH' 'so_error: 0' >>want
	fi
	printf '%s\n' 'datagram: ENETUNREACH' >>want
	diff want out || fail "not denied with $*"
}
denied
expect_match '^mayfly: .*169.254.1.1:.* not allowed.*mayfly run --egress' err
[ "$(wc -l <err)" = 1 ] || fail "said more than once"
denied --egress all
expect_match "host.mayfly.internal port $echo, which is not allowed;" err
expect_match "; --egress host.mayfly.internal:$echo allows it\$" err
[ "$(wc -l <err)" = 1 ] || fail "said more than once"
denied --egress 10.0.0.0/8 --egress "host.mayfly.internal:$rst"

# A name that is not allowed is not even looked up.
expect_status 1 run --egress host.mayfly.internal "$PROG" example.com 1
expect_match '^address: example.com cannot be resolved' out
expect_match 'looked up example.com, which is not allowed; --egress exa' err
[ "$(wc -l <err)" = 1 ] || fail "said more than once"
expect_status 1 run --egress all "$PROG" host.mayfly.internal 1
expect_match 'looked up host.mayfly.internal, which is not allowed' err

# The guest has an interface whose neighbours these are, or has none.
expect_status 0 run --egress all "$PROG" interfaces
printf '%s\n' 'lo: 127.0.0.1' 'eth0: 169.254.1.2' 'eth0: 2' 'own: 0' >want
diff want out || fail "other interfaces"
expect_status 0 run "$PROG" interfaces
printf '%s\n' 'lo: 127.0.0.1' 'eth0: ENODEV' 'own: EADDRNOTAVAIL' >want
diff want out || fail "other interfaces"
