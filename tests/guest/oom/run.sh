# SPDX-License-Identifier: Apache-2.0
# Memory that is exhausted is called by its name.
. "$LIB"

got=0
run -m 64m "$PROG" >out 2>err || got=$?
case $got in
9) expect_match 'about 64 MiB' out ;;
137) ;;
*) cat err; fail "malloc until failure: status $got" ;;
esac
expect_match 'mayfly: .*out of memory' err

got=0
run -m 64m "$PROG" touch >out 2>err || got=$?
case $got in
8 | 137 | 139) ;;
*) cat err; fail "touching too much: status $got" ;;
esac
expect_match 'mayfly: .*out of memory' err

# With room there is nothing to say.
expect_status 0 run -m 512m "$PROG" touch
[ ! -s err ] || fail "with 512 MiB: $(cat err)"
