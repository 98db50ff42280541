# SPDX-License-Identifier: Apache-2.0
# What the host really held at most is told by --stats.
. "$LIB"

expect_status 0 run -m 64m --stats "$PROG"
cat >want <<END
1000 threads
all of them run
depth 7000
leapt, sane
read 4 text
END
diff want out || fail "the output differs"
peak=$(sed -n 's/.*"memory_peak_bytes":\([0-9]*\).*/\1/p' err)
threads=$(sed -n 's/.*"threads_peak":\([0-9]*\).*/\1/p' err)
[ "$threads" = 1001 ] || fail "$threads threads at a time"
[ "$peak" -gt 1000000 ] || fail "the peak of $peak bytes is none"
[ "$peak" -lt $((56 << 20)) ] || fail "$peak bytes for untouched stacks"
