# SPDX-License-Identifier: Apache-2.0
# Memory that is exhausted is called by its name: either the program is told,
# and what it makes of that is said, or it goes too far and is ended.
. "$LIB"

# exhausts WAY STATUS...: one of these
exhausts() {
	way=$1
	shift
	got=0
	run -m 64m "$PROG" "$way" >out 2>err || got=$?
	case " $* " in
	*" $got "*) ;;
	*) cat err; fail "$way: status $got, want one of $*" ;;
	esac
	expect_match 'mayfly: .*(out of memory|memory exhausted)' err
}

exhausts malloc 9 137
exhausts protect 9
exhausts touch 8 137 139

# With room there is nothing to say.
expect_status 0 run -m 512m "$PROG" touch
[ ! -s err ] || fail "with 512 MiB: $(cat err)"
