# SPDX-License-Identifier: Apache-2.0
# A guest that breaks the contract ends with a reason. The monitor never
# crashes, never hangs, never says nothing.
# test: timeout 120
. "$LIB"

# ends STATUS REGEX WAY [NUMBER]: exactly this
limit=5s
ends() {
	want=$1
	regex=$2
	shift 2
	expect_status "$want" run --timeout "$limit" "$PROG" "$@"
	[ -z "$regex" ] || expect_match "$regex" err
	monitor_is_fine "$@"
}

# dies WAY [NUMBER]: with any reason that blames the guest, or by the time
# limit where the guest only harmed itself
fine=
dies() {
	got=0
	run --timeout 1s "$PROG" "$@" >out 2>err || got=$?
	case $got in
	124 | 125 | 13[0-9]) ;;
	"$fine") monitor_is_fine "$@"; return ;;
	*) cat err; fail "$*: status $got" ;;
	esac
	[ -s err ] || fail "$*: status $got and not a word"
	monitor_is_fine "$@"
}

monitor_is_fine() {
	if grep -Eq 'the monitor of|assertion|Sanitizer' err; then
		cat err
		fail "$*: the monitor did not survive"
	fi
}

contract='broke the contract'

ends 125 "$contract.*sq_tail" sq-tail
ends 125 "$contract.*cq_head" cq-head
ends 7 '' full
ends 139 'SIGSEGV' kernel-text
ends 139 'SIGSEGV' gate-text
ends 139 'SIGSEGV' image
ends 139 'SIGSEGV' kernel-exec
ends 125 'gave up: made up' panic
if grep -q "$(printf '\033')" err; then
	fail 'control characters of the guest reached the terminal'
fi
limit=1s
ends 124 'did not end' wait
expect_status 137 run --timeout 9s -m 32m "$PROG" hog 128
expect_match 'ran out of memory' err
ends 124 'did not end' doorbell-loop 1
ends 124 'did not end' doorbell-loop 2
limit=5s

for n in 0 16 999 0x80000000 0xffffffff; do
	ends 125 "$contract.*doorbell" doorbell "$n"
done

ends 0 '' grow
[ "$(tr ' ' '\n' <out | grep -c '^-')" = 6 ] || fail "grow: $(cat out)"
ends 0 '' discard
[ "$(tr ' ' '\n' <out | grep -c '^-')" = 12 ] || fail "discard: $(cat out)"

# The rings survive it; the guest kernel, which shares them, may not.
fine=7
dies garbage
fine=
for n in 4 5 4096 0xffffffffffffffff; do
	dies panic-outside "$n"
done
dies crash-outside
# Whatever a made-up wait status means, it ends the run.
for n in 0xffffffff 0x7f 0x80 0xffffffffffffffff; do
	run --timeout 5s "$PROG" exit-nonsense "$n" >out 2>err || got=$?
	[ "$got" != 124 ] || fail "exit-nonsense $n does not end"
	monitor_is_fine exit-nonsense "$n"
done
for n in 0 255 0x41; do
	dies kernel-data "$n"
	dies page-tables "$n"
	dies shared-page "$n"
done
for n in 0 8 0x800000000000 0xffffffffffffffff; do
	dies upcall "$n"
done
for port in 0x80 0xc0 0xce 0xdf 0x3f8 0x6cf 0x6d1 0xcf8 0xffff; do
	dies out "$port"
	dies in "$port"
done
dies in 0x6d0
