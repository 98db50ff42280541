# SPDX-License-Identifier: Apache-2.0
# The gate's system calls with other arguments: death, and a reason.
# test: substrates process
# test: timeout 60
. "$LIB"

killed() {
	expect_status 125 run "$PROG" "$1"
	! grep result out || fail "$1 was carried out"
	expect_match 'broke the contract: .*system call it may not make' err
}

for way in getpid write open fork kill exit sigreturn ftruncate x32 \
	futex-address futex-op mmap-private mmap-anonymous mmap-fd mmap-flags \
	mmap-prot mprotect-prot madvise-advice; do
	killed "$way"
done

expect_status 0 run "$PROG" allowed
cat >want <<'END'
map the image: yes
to write: -13
protect: -13
punch the image: -13
page 0: -1
END
diff want out || fail "what the gate may do"
