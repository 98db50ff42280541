# SPDX-License-Identifier: Apache-2.0
# A refusal is an error for the program and one line in the log.
. "$LIB"

expect_status 0 run "$PROG"
for name in fork vfork clone posix_spawn execve; do
	expect_match "^$name: Operation not permitted" out
done
[ "$(wc -l <err)" = 2 ] || fail "not one line for each: $(cat err)"
expect_match 'mayfly: .*(fork|clone).*one process.*EPERM' err
expect_match 'mayfly: .*execute /bin/true.*EPERM' err
