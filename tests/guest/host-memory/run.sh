# SPDX-License-Identifier: Apache-2.0
# What a program gives up the host holds no more: seen from the host, in the
# resident pages of the monitor and of the guest's process.
. "$LIB"

MIB=256 # pages

# descendants PID...: these and their children
descendants() {
	for p in "$@"; do
		echo "$p"
		# shellcheck disable=SC2046 # words are wanted
		descendants $(cat "/proc/$p/task/$p/children" 2>/dev/null)
	done
}

# held: resident pages of the instance
held() {
	sum=0
	for p in $(descendants "$PID"); do
		read -r _ pages _ <"/proc/$p/statm" 2>/dev/null || pages=0
		sum=$((sum + pages))
	done
	echo "$sum"
}

# at STEP MIN MAX: pages held there, or soon: a part goes back a moment later
at() {
	wait_line start.out "^$1\$"
	i=0
	now=$(held)
	while [ "$now" -lt "$2" ] || [ "$now" -gt "$3" ]; do
		[ "$i" -lt 100 ] || fail "$1: $now pages, not $2 to $3"
		sleep 0.1
		i=$((i + 1))
		now=$(held)
	done
	echo "$1: $now"
	echo next >&3
}

mkfifo in
exec 3<>in
"$MAYFLY" run --substrate "$SUBSTRATE" "$PROG" <in >start.out 2>start.err \
	3>&- &
PID=$!
PIDS="$PIDS $PID"
at mapped 1 $((48 * MIB))
little=$((now + 16 * MIB))
much=$((now + 60 * MIB))
max=$((now + 256 * MIB))
at touched $much $max
at MADV_DONTNEED 1 $little
at 'touched again' $much $max
at 'MADV_FREE in pieces' 1 $little
at 'touched once more' $much $max
at unmapped 1 $little
wait "$PID" || fail "status $?: $(cat start.err)"
