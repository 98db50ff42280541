# SPDX-License-Identifier: Apache-2.0
# The page of examples/zerg, as a browser shows it: another machine each time,
# and the one that wrote it is gone.
# test: timeout 180
# test: no-san
. "$LIB"
. "$SRC/tests/platform.sh"

# browse: the page, after a browser has made of it what it could, to page.html
browse() {
	HOME=$TMP/home timeout 60 chromium --headless --no-sandbox \
		--disable-gpu --disable-dev-shm-usage --no-first-run \
		--user-data-dir="$TMP/browser" --dump-dom \
		"$URL/fn/zerg/" >page.html 2>browser.err ||
		fail "chromium: $(tail -n 5 browser.err)"
	id=$(sed -n 's/.*<code id="instance">\([0-9a-f]*\)<.*/\1/p' page.html)
	[ -n "$id" ] || fail "no instance: $(cat page.html)"
}

# gone ID: no such instance, and the ledger knows how it ended
gone() {
	! get '/v1/instances?function=zerg' | grep -q "\"$1" &&
		get "/v1/history?id=$1" | grep -q '"reason":"used"'
}

platform_start
export MAYFLY_STATE="$STATE"
"$MAYFLY" deploy "$SRC/examples/zerg" >out 2>err || fail "$(cat err)"
[ "$(cat out)" = "http://localhost:$GATEWAY/fn/zerg/" ] || fail "$(cat out)"
browse
first=$id
expect_match '<h1>[0-9.]+ (µs|ms|s)</h1>' page.html
expect_match 'the first request that it has ever seen' page.html
expect_match 'your request arrived at the gateway' page.html
! grep -q '[+−]-' page.html || fail "$(cat page.html)"
until_true 10 gone "$first"
browse
[ "$id" != "$first" ] || fail 'the same machine twice'
until_true 10 gone "$id"

# The machine that answers began to run after the request came.
[ "$(fn zerg /)" = 200 ] || fail "$(cat body)"
expect_match 'Since then a virtual machine came to life' body
expect_match '^<tr><td>\+0 µs<td>your request arrived' body

# What waited for a request says so.
"$MAYFLY" build -o zerg.img "$SRC/examples/zerg" >build.err 2>&1 ||
	fail "$(cat build.err)"
deploy larva zerg.img '{"keep_ms": 60000, "min_instances": 1}'
waits() {
	get '/v1/instances?function=larva' | grep -q '"ready"'
}
until_true 20 waits
[ "$(fn larva /)" = 200 ] || fail "$(cat body)"
expect_match 'A virtual machine was waiting for it' body
platform_end TERM
