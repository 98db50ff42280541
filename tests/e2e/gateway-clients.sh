# SPDX-License-Identifier: Apache-2.0
# test: timeout 120
# The gateway and clients of all kinds: those that want to smuggle requests,
# that are slow, that vanish, that pipeline, that speak WebSocket.
. "$LIB"
. "$SRC/tests/platform.sh"

musl-gcc -static -O2 -D_GNU_SOURCE -o fn "$SRC/tests/e2e/gateway_fn.c"
"$MAYFLY" build ./fn -o fn.img >/dev/null
platform_start
deploy fn fn.img '{"isolation":"reuse","concurrency":64,"first_byte_ms":5000}'
gate /fn/fn/ >/dev/null

"$SRC/tests/e2e/gateway_client.py" "$GATEWAY" || fail "see above"
kill -0 "$DAEMON" || fail "mayflyd is gone"
! grep -q '/hidden' "$STATE/access.log" || fail "a request was smuggled"
# Nothing is left of all of them.
all_done() {
	api GET /v1/metrics >out &&
		grep -q '^mayfly_requests_in_flight 0$' body
}
until_true 10 all_done
