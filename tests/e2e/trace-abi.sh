# SPDX-License-Identifier: Apache-2.0
# Programs of the abi layer, natively under strace and in the guest under
# mayfly trace: the two show the same calls, arguments and results.
# test: may-skip strace needs ptrace, which some sandboxes forbid
# test: timeout 120
. "$LIB"

strace -o probe true 2>probe.err || skip "strace: $(head -n 1 probe.err)"

# Python closes the descriptors that the shell keeps for itself.
native() {
	python3 -c 'import subprocess, sys
sys.exit(subprocess.call(sys.argv[1:], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL))' \
		strace -f -o strace.out "$1"
}

# Those whose calls do not depend on chance or on the system.
for prog in brk.musl exec_mem.glibc fdops.musl filemap.glibc madvise.musl \
	mmap.glibc poll.musl sigstate.glibc sockets.musl splice.glibc \
	unixnames.musl; do
	native "$BUILD/tests/abi/$prog" || fail "$prog natively: status $?"
	"$MAYFLY" trace --substrate "$SUBSTRATE" -o mayfly.out \
		"$BUILD/tests/abi/$prog" </dev/null >out 2>err ||
		fail "$prog: status $?: $(cat err)"
	python3 "$SRC/tests/trace_compare.py" strace.out mayfly.out >verdict ||
		fail "$prog: the traces differ: $(cat verdict)"
	grep -q '^[1-9][0-9]* lines agree$' verdict ||
		fail "$prog: $(cat verdict)"
done
