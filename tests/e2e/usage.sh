# SPDX-License-Identifier: Apache-2.0
# Help, versions, and what a typing error gets.
# test: once
. "$LIB"

for verb in run build inspect doctor version; do
	expect_status 0 "$MAYFLY" "$verb" --help
	expect_match "^Usage: mayfly $verb" out
	[ ! -s err ] || fail "$verb --help writes to stderr"
	expect_status 0 "$MAYFLY" help "$verb"
	expect_match "^Usage: mayfly $verb" out
	expect_status 0 "$MAYFLY" --help
	expect_match "^  $verb " out
done
expect_status 0 "$MAYFLY"
expect_match '^Usage: mayfly COMMAND' out
expect_status 0 "$MAYFLY" --version
expect_match '^mayfly [0-9]+\.[0-9]+\.[0-9]+ ' out

expect_status 125 "$MAYFLY" rnu x
expect_match '^mayfly: unknown command rnu; did you mean mayfly run\?' err
expect_status 125 "$MAYFLY" frobnicate
expect_match '^mayfly: unknown command frobnicate; mayfly --help' err
expect_status 125 "$MAYFLY" run --publsh 80:80 x
expect_match '^mayfly: unknown option --publsh; did you mean --publish\?' err
expect_status 125 "$MAYFLY" run --frobnicate x
expect_match '^mayfly: unknown option --frobnicate; --help lists' err
expect_status 125 "$MAYFLY" run -Z x
expect_status 125 "$MAYFLY" run
expect_match 'nothing to run' err
expect_status 125 "$MAYFLY" run --memory
expect_match 'option --memory needs a value' err
expect_status 125 "$MAYFLY" run --memory lots x
expect_match 'lots is not a size' err
expect_status 125 "$MAYFLY" run --timeout never x
expect_match 'never is not a time' err
expect_status 125 "$MAYFLY" run --substrate xen x
expect_match 'unknown substrate xen' err
expect_status 125 "$MAYFLY" run -e =x x
expect_match 'is not an environment variable' err
expect_status 125 "$MAYFLY" run --env-file none x
expect_match 'cannot open the environment file none' err
expect_status 125 "$MAYFLY" build
expect_match 'nothing to build' err
expect_status 125 "$MAYFLY" build a b
expect_match 'b is a second one' err
expect_status 125 "$MAYFLY" inspect
expect_match 'nothing to inspect' err
expect_status 125 "$MAYFLY" doctor --jsn
expect_match 'did you mean --json' err

# What cannot be written is no success.
for words in --help version 'run --help' 'doctor --json'; do
	got=0
	# shellcheck disable=SC2086 # words
	"$MAYFLY" $words >/dev/full 2>err || got=$?
	[ "$got" = 125 ] || fail "$words into a full device: status $got"
	expect_match '^mayfly: cannot write to standard output: No space' err
done

# The man pages know every option that --help lists; trace has those of run.
for verb in run build inspect doctor trace deploy invoke ls ps logs top \
	history rollback alias token; do
	"$MAYFLY" "$verb" --help |
		sed -nE 's/^  (  |-.,) *--([a-z-]*).*/\2/p' |
		grep -vx help >options
	[ -s options ] || fail "$verb --help lists no options"
	set -- "$SRC/docs/man/mayfly-$verb.1"
	[ "$verb" != trace ] || set -- "$@" "$SRC/docs/man/mayfly-run.1"
	while read -r option; do
		grep -Eq "Fl (. , )?-$option" "$@" ||
			fail "mayfly-$verb(1) lacks --$option"
	done <options
	# And promise no other.
	sed -nE 's/^\.It Fl (. , )?-([a-z-]+).*/\2/p' \
		"$SRC/docs/man/mayfly-$verb.1" | grep -vx help >promised
	while read -r option; do
		grep -qx -- "$option" options ||
			fail "mayfly-$verb(1) promises --$option"
	done <promised
done
