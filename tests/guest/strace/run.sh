# SPDX-License-Identifier: Apache-2.0
# The same program natively under strace and in the guest under mayfly trace:
# strace is the oracle of what a line looks like.
. "$LIB"

strace -o probe true 2>probe.err || skip "strace: $(head -n 1 probe.err)"

# Python closes the descriptors that the shell keeps for itself.
natively() {
	mkdir "$1"
	got=0
	python3 -c 'import subprocess, sys
sys.exit(subprocess.call(sys.argv[2:], stdin=subprocess.DEVNULL,
			 cwd=sys.argv[1]))' \
		"$1" strace -f -o ../strace.out "$PROG" || got=$?
	[ "$got" = 3 ] || fail "native status $got"
}
same() {
	python3 "$SRC/tests/trace_compare.py" strace.out mayfly.out \
		"$SRC/tests/guest/strace/calls"
}
natively first
got=0
"$MAYFLY" trace --substrate "$SUBSTRATE" -o mayfly.out "$PROG" >out 2>err \
	</dev/null || got=$?
[ "$got" = 3 ] || fail "status $got: $(cat err)"
# Now and then the oracle itself said that a file was gone that it had just
# made, under load: it is asked again, the guest is not.
same >differ || {
	cat differ
	natively again
	same || fail "the traces differ"
}
# The call of the thread that waited was shown where it began.
grep -q 'read([0-9]*,  <unfinished ...>$' mayfly.out || fail "no unfinished"
