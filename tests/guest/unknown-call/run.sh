# SPDX-License-Identifier: Apache-2.0
# What is not implemented is named once, with its number and call site.
. "$LIB"

expect_status 0 run "$PROG"
expect_match '^Function not implemented' out
for n in 246 499; do
	[ "$(grep -Ec "[^0-9]${n}[^0-9]" err)" = 1 ] ||
		fail "call $n is not named once: $(cat err)"
	expect_match "$n.*0x[0-9a-f]+" err
done
