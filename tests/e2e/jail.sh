# SPDX-License-Identifier: Apache-2.0
# What a running monitor, and the guest's process if it has one, could still
# do to the host: looked up in /proc from outside.
. "$LIB"

field() {
	sed -n "s/^$2:[ 	]*//p" "/proc/$1/status"
}

is() {
	got=$(field "$1" "$2")
	[ "$got" = "$3" ] || fail "$2 of process $1 is '$got', not '$3'"
}

# What holds for every process of an instance, whoever started it.
jailed() {
	is "$1" Seccomp 2
	is "$1" NoNewPrivs 1
	for set in CapInh CapPrm CapEff CapAmb; do
		is "$1" "$set" 0000000000000000
	done
	# Not dumpable: /proc/PID/maps belongs to root, whoever we are.
	[ "$(stat -c %u "/proc/$1/maps")" = 0 ] || fail "$1 can be dumped"
	[ "$(id -u)" = 0 ] || return 0
	uid=$(field "$1" Uid | cut -f1)
	[ "$uid" -ge $((0x70000000)) ] || fail "uid $uid"
	is "$1" Uid "$uid	$uid	$uid	$uid"
	is "$1" Gid "$uid	$uid	$uid	$uid"
	is "$1" Groups ""
	case $(readlink "/proc/$1/root") in
	*' (deleted)') ;;
	*) fail "root of $1: $(readlink "/proc/$1/root")" ;;
	esac
	[ -z "$(ls -A "/proc/$1/root/")" ] || fail "root is not empty"
	! mkdir "/proc/$1/root/x" 2>/dev/null || fail "root can be written"
	grep -q '^Max core file size  *0  *0 ' "/proc/$1/limits" ||
		fail "core files"
}

port=$(free_port)
start -p "127.0.0.1:$port:8080" "$PROGS/http-epoll.musl" 8080
wait_port "$port"
monitor=$(cat "/proc/$PID/task/$PID/children")
monitor=${monitor% }
is "$monitor" Name mayfly-monitor
jailed "$monitor"
child=$(cat "/proc/$monitor/task/$monitor/children")
child=${child% }

case $SUBSTRATE in
kvm)
	[ -z "$child" ] || fail "a process too many: $child"
	kill -9 "$monitor"
	wait "$PID" || true
	;;
process)
	is "$child" Name mayfly-guest
	jailed "$child"
	is "$child" FDSize 64
	if [ "$(id -u)" = 0 ]; then
		fds=$(ls "/proc/$child/fd" | tr '\n' ' ')
		[ "$fds" = "0 1 " ] || fail "descriptors of the guest: $fds"
		# RAM, image and window: nothing else, nothing of the host's.
		if grep -Ev 'memfd:mayfly-ram|\.img|vsyscall' \
			"/proc/$child/maps"; then
			fail "the guest's process maps something else"
		fi
	fi
	# The guest's process dies: the instance ends, with a reason.
	kill -9 "$child"
	got=0
	wait "$PID" || got=$?
	[ "$got" = 125 ] || fail "status $got after the guest was killed"
	expect_match 'killed from outside' start.err
	;;
esac

# The monitor dies: nothing of the instance is left.
start -p "127.0.0.1:$port:8080" "$PROGS/http-epoll.musl" 8080
wait_port "$port"
monitor=$(cat "/proc/$PID/task/$PID/children")
monitor=${monitor% }
child=$(cat "/proc/$monitor/task/$monitor/children")
child=${child% }
kill -9 "$monitor"
got=0
wait "$PID" || got=$?
[ "$got" = 125 ] || fail "status $got after the monitor was killed"
expect_match 'monitor of .* was ended by SIGKILL' start.err
# shellcheck disable=SC2086
wait_gone $child
