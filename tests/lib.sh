# SPDX-License-Identifier: Apache-2.0
# Sourced by tests/e2e/*.sh and tests/guest/*/run.sh; see tests/README.md.

PIDS=
OUTSIDE=

at_end() {
	status=$?
	trap - EXIT
	for p in $PIDS; do
		kill -TERM "$p" 2>/dev/null || true
	done
	for p in $PIDS; do
		wait "$p" 2>/dev/null || true
	done
	[ -z "$OUTSIDE" ] || rm -rf "$OUTSIDE"
	exit "$status"
}
trap at_end EXIT
trap 'exit 143' TERM INT

fail() {
	echo "FAIL: $*"
	exit 1
}

skip() {
	echo "SKIP: $*"
	exit 77
}

# run ARGS...: mayfly run on the substrate under test
run() {
	"$MAYFLY" run --substrate "$SUBSTRATE" "$@"
}

# start ARGS...: the same in the background, stopped when the test ends;
# PID is its pid, its output is in start.out and start.err
start() {
	rm -f start.out start.err
	"$MAYFLY" run --substrate "$SUBSTRATE" "$@" >start.out 2>start.err &
	PID=$!
	PIDS="$PIDS $PID"
	# Until exec, a signal would meet the traps of this shell.
	i=0
	while cmp -s "/proc/$$/cmdline" "/proc/$PID/cmdline"; do
		[ "$i" -lt 500 ] || fail "mayfly does not start"
		sleep 0.01
		i=$((i + 1))
	done
}

# free_port: prints a port of 127.0.0.1 that is free now. Two tests that run
# at a time never get the same one.
free_port() {
	python3 "$SRC/tools/free_port.py" "$BUILD/test-ports"
}

# wait_port PORT [SECONDS]: until something listens on the TCP port (no
# connection is made), at most 10 seconds
wait_port() {
	i=0
	tries=$((${2:-10} * 20))
	re=" [0-9A-F]+:$(printf '%04X' "$1") [0-9A-F]+:0000 0A "
	while [ "$i" -lt "$tries" ]; do
		if cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
			grep -Eq "$re"; then
			return 0
		fi
		if [ -n "${PID:-}" ] && ! kill -0 "$PID" 2>/dev/null; then
			cat start.err
			fail "the program ended before port $1 answered"
		fi
		sleep 0.05
		i=$((i + 1))
	done
	[ ! -f start.err ] || cat start.err
	fail "nothing listens on port $1"
}

# wait_line FILE REGEX: until FILE has a line that matches, at most 10 seconds
wait_line() {
	i=0
	while [ "$i" -lt 200 ]; do
		if grep -Eq -- "$2" "$1" 2>/dev/null; then
			return 0
		fi
		sleep 0.05
		i=$((i + 1))
	done
	cat "$1" 2>/dev/null || true
	fail "no line of $1 matches: $2"
}

# until_true SECONDS CMD...: tries until it succeeds
until_true() {
	until_tries=$(($1 * 20))
	shift
	until "$@"; do
		[ "$until_tries" -gt 0 ] || fail "not in time: $*"
		until_tries=$((until_tries - 1))
		sleep 0.05
	done
}

not() {
	! "$@"
}

# A process that nobody has waited for yet runs no more either.
runs() {
	grep -q '^State:	[^ZX]' "/proc/$1/status" 2>/dev/null
}

# wait_gone PID...: until the processes have ended, at most 20 seconds each
wait_gone() {
	for p in "$@"; do
		until_true 20 not runs "$p"
	done
}

# outside: makes a directory $OUTSIDE that other users can reach, which $TMP may
# not be; it is removed at the end
outside() {
	OUTSIDE=$(mktemp -d /tmp/mayfly-test-XXXXXX)
	chmod 755 "$OUTSIDE"
}

# expect_status N CMD...: runs CMD, output to out and err
expect_status() {
	want=$1
	shift
	got=0
	"$@" >out 2>err || got=$?
	if [ "$got" != "$want" ]; then
		echo "--- stdout"
		cat out
		echo "--- stderr"
		cat err
		fail "status $got, want $want: $*"
	fi
}

# expect_match REGEX FILE
expect_match() {
	if ! grep -Eq -- "$1" "$2"; then
		echo "--- $2"
		cat "$2"
		fail "no line of $2 matches: $1"
	fi
}

# registry_start: a registry of container images, on $REGISTRY, that keeps
# them in ./registry
registry_start() {
	REGISTRY=127.0.0.1:$(free_port)
	cat >registry.yml <<-END
	version: 0.1
	log: {level: error, accesslog: {disabled: true}}
	storage: {filesystem: {rootdirectory: $PWD/registry}}
	http: {addr: "$REGISTRY"}
	END
	docker-registry serve registry.yml >registry.log 2>&1 &
	PIDS="$PIDS $!"
	wait_port "${REGISTRY#*:}"
}

# push LAYOUT NAME: all images of an OCI layout, to the registry
push() {
	skopeo copy -q --all --dest-tls-verify=false "oci:$1" \
		"docker://$REGISTRY/$2"
}
