# SPDX-License-Identifier: Apache-2.0
# A refusal is an error for the program and one line in the log.
. "$LIB"

expect_status 0 run "$PROG"
for name in fork vfork clone posix_spawn execve; do
	expect_match "^$name: Operation not permitted" out
done
[ "$(grep -c 'fork' err)" = 1 ] || fail "not one line about fork: $(cat err)"
expect_match 'mayfly: .*fork' err
expect_match 'exec' err
