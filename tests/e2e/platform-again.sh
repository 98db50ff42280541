# SPDX-License-Identifier: Apache-2.0
# A function is removed while it answers, and deployed again under its name.
# test: timeout 120
. "$LIB"
. "$SRC/tests/platform.sh"

spec='{"isolation":"reuse","first_byte_ms":3000,"grace_ms":4000}'
platform_start
server_deploy again "$spec"
curl -sS -o answer -w '%{http_code}' --max-time 30 "$URL/fn/again/stay" \
	>status &
client=$!
PIDS="$PIDS $client"
busy() {
	get '/v1/functions/again' >f.json
	grep -q '"busy": *1' f.json
}
until_true 20 busy
ls "$STATE/versions" >old
[ "$(api DELETE /v1/functions/again)" = 204 ] || fail "rm: $(cat body)"
server_deploy again "$spec"
[ -e "$STATE/versions/$(cat old)" ] || fail 'the old one has ended too soon'
[ "$(fn again '/say?new')" = 200 ] || fail "the new one: $(cat body)"

# The end of the old one takes nothing of the new one along.
wait "$client"
[ "$(cat status)" = 504 ] || fail "the old request: $(cat status)"
old_is_gone() {
	[ ! -e "$STATE/versions/$(cat old)" ]
}
until_true 20 old_is_gone
[ "$(find "$STATE/versions" -type f | wc -l)" = 1 ] ||
	fail "snapshots: $(ls "$STATE/versions")"
[ "$(find "$STATE/images" -type f | wc -l)" = 1 ] || fail 'the image is gone'
expect_match '"text":"new"' "$STATE/logs/again.log"
platform_end TERM
platform_start
[ "$(fn again /)" = 200 ] || fail "after a restart: $(cat body)"

# Removed for good while it answers: no log and no metrics come back.
fn again /stay >status &
client=$!
PIDS="$PIDS $client"
until_true 20 busy
[ "$(api DELETE /v1/functions/again)" = 204 ] || fail "rm: $(cat body)"
wait "$client"
[ "$(cat status)" = 504 ] || fail "the old request: $(cat status)"
nothing_left() {
	get /metrics >metrics
	[ -z "$(find "$STATE/versions" "$STATE/images" "$STATE/logs" \
		-type f)" ] && ! grep -q '"again"' metrics
}
until_true 20 nothing_left
