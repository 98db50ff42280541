# SPDX-License-Identifier: Apache-2.0
# What docs/operations.md says of backups: taken while the platform runs, and
# put into an empty directory, it has every function and its history.
# test: timeout 60
# test: may-skip sqlite3 is in the group programs of tools/install-deps
. "$LIB"
. "$SRC/tests/platform.sh"

command -v sqlite3 >/dev/null || skip 'there is no sqlite3'
musl-gcc -static -O2 -o server "$SRC/tests/platform_server.c"
expect_status 0 "$MAYFLY" build ./server -o server.img
platform_start
deploy f server.img '{"memory_bytes":33554432}'
deploy g server.img '{"memory_bytes":33554432,"isolation":"reuse"}'
for _ in 1 2 3 4 5; do
	[ "$(fn f /)" = 200 ] || fail "no answer: $(cat body)"
done
all_ended() {
	api GET '/v1/history?function=f' >/dev/null
	[ "$(grep -o '"used"' body | wc -l)" -ge 5 ]
}
until_true 20 all_ended

mkdir backup
sqlite3 state/registry.db ".backup 'backup/registry.db'"
sqlite3 state/ledger.db ".backup 'backup/ledger.db'"
cp -R state/images state/versions backup/
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null || true
wait_gone "$SPAWNER"
mv state lost

mkdir -m 700 state
cp -R backup/* state/
platform_start
[ "$(fn f /)" = 200 ] || fail "no answer: $(cat body)"
[ "$(fn g /)" = 200 ] || fail "no answer: $(cat body)"
[ "$(api GET '/v1/history?function=f')" = 200 ] || fail "$(cat body)"
[ "$(grep -o '"used"' body | wc -l)" -ge 5 ] || fail "history: $(cat body)"

# Half a backup is refused with its remedy, and left as it is.
kill -TERM "$DAEMON"
wait "$DAEMON"
head -c 10000 backup/registry.db >state/registry.db
cp state/registry.db before
expect_status 125 timeout 20 "${MAYFLY%/*}/mayflyd" --state state \
	--listen "127.0.0.1:$GATEWAY"
expect_match 'registry.db is damaged' err
cmp before state/registry.db
