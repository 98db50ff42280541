# SPDX-License-Identifier: Apache-2.0
# The exit status of the program is the command's.
# test: timeout 60
. "$LIB"

for n in 0 1 2 3 7 42 63 64 65 76 78 99 124 125 126 127 128 129 137 139 200 \
	254 255; do
	expect_status "$n" run "$PROG" "$n"
	[ ! -s err ] || fail "status $n: $(cat err)"
done
expect_status 0 run "$PROG" 256
expect_status 255 run "$PROG" -1
expect_status 5 run "$PROG" 5 thread
expect_status 6 run "$PROG" 6 raw
expect_status 8 run "$PROG" 8 last
