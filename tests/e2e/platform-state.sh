# SPDX-License-Identifier: Apache-2.0
# The state directory: one daemon at a time, files that are refused and left
# alone, a kill in the middle of a deploy.
# test: timeout 120
. "$LIB"
. "$SRC/tests/platform.sh"

musl-gcc -static -O2 -o fn "$SRC/tests/platform_fn.c"
export MAYFLY_STATE="$STATE"
daemon=${MAYFLY%/*}/mayflyd
platform_start
"$MAYFLY" deploy ./fn >out 2>err || fail "deploy: $(cat err)"

# A second one.
expect_status 125 "$daemon" --state "$STATE" --listen "$(free_port)"
expect_match "another mayflyd, pid $DAEMON, uses " err
[ "$("$MAYFLY" invoke fn)" = here ] || fail 'the first one is disturbed'

# kill -9 while a deploy takes its snapshot, and while it is probed.
ls "$STATE/versions" "$STATE/images" >before
begun() {
	ls "$STATE/versions" "$STATE/images" >after
	! cmp -s before after
}
for how in SLOW=30 MUTE=1; do
	"$MAYFLY" deploy ./fn -e "$how" >out 2>err &
	client=$!
	until_true 20 begun
	children=$(pgrep -P "$DAEMON" | tr '\n' ' ')
	kill -KILL "$DAEMON"
	wait "$DAEMON" 2>/dev/null || true
	status=0
	wait "$client" || status=$?
	[ "$status" = 125 ] || fail "the client: $status: $(cat err)"
	expect_match 'mayflyd ended' err
	# shellcheck disable=SC2086
	wait_gone $children
	platform_start
	ls "$STATE/versions" "$STATE/images" >after
	cmp before after || fail "left: $(diff before after)"
	[ "$("$MAYFLY" invoke fn)" = here ] || fail 'the function is lost'
	[ "$("$MAYFLY" ls -q)" = fn ] || fail "there is $("$MAYFLY" ls -q)"
done
kill -TERM "$DAEMON"
wait "$DAEMON" || fail "the end: $(cat mayflyd.err)"

# refused REGEX: the daemon refuses the registry, which stays as it is
refused() {
	cp "$STATE/registry.db" saved
	expect_status 125 timeout 20 "$daemon" --state "$STATE" \
		--listen "127.0.0.1:$GATEWAY"
	expect_match "$1" err
	cmp saved "$STATE/registry.db" || fail 'the file was changed'
}
cp "$STATE/registry.db" good
printf 'not a database, but text that somebody wrote here' \
	>"$STATE/registry.db"
refused 'registry.db is damaged \(it is no database\); put a backup'
head -c 6000 good >"$STATE/registry.db"
refused 'registry.db is damaged'
cp good "$STATE/registry.db"
printf '\377\377\377\377' |
	dd of="$STATE/registry.db" bs=1 seek=60 conv=notrunc 2>dd.err
refused 'has version 4294967295 of its format'
cp good "$STATE/registry.db"
printf 'abcd' | dd of="$STATE/registry.db" bs=1 seek=68 conv=notrunc 2>dd.err
refused "another program's database"
cp good "$STATE/registry.db"
platform_start
[ "$("$MAYFLY" invoke fn)" = here ] || fail 'the function is lost'
