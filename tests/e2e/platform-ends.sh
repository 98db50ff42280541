# SPDX-License-Identifier: Apache-2.0
# Ends that are hard: of a function with a connection that never ends, of a
# platform whose instances always are there, of a program that cannot begin.
# test: timeout 90
. "$LIB"
. "$SRC/tests/platform.sh"

musl-gcc -static -O2 -o server "$SRC/tests/platform_server.c"
expect_status 0 "$MAYFLY" build ./server -o server.img
platform_start
deploy f server.img '{"isolation":"reuse","memory_bytes":33554432}'
deploy always server.img '{"isolation":"reuse","memory_bytes":33554432,
	"min_instances":2}'

# A request that waits for ever: rm gives it the second that --drain says.
fn f /wait >waited &
client=$!
busy() {
	api GET /v1/functions/f >/dev/null && grep -q '"busy": *1' body
}
until_true 10 busy
[ "$(api DELETE /v1/functions/f)" = 204 ] || fail "rm: $(cat body)"
wait "$client" || true
[ "$(cat waited)" != 200 ] || fail 'what waits for ever was answered'
no_instance() {
	api GET /v1/instances >/dev/null && ! grep -q '"f"' body
}
until_true 10 no_instance
MAYFLY_STATE=$STATE expect_status 0 "$MAYFLY" history --json f
expect_match '"reason": *"drained"' out

# What a request cannot be given is said, and at once.
long=$(head -c 30000 /dev/zero | tr '\0' a)
expect_status 0 "$MAYFLY" build /bin/busybox -o cat.img -- cat
env=$(printf '"%s":"'"$long"'",' A B C D)
deploy cat cat.img "{\"mode\":\"stdio\",\"env\":{${env%,}}}"
[ "$(fn cat / -d well)" = 200 ] || fail "stdio: $(cat body)"
[ "$(cat body)" = well ] || fail "stdio says $(cat body)"
head=$(head -c 6000 /dev/zero | tr '\0' b)
[ "$(fn cat / -d well -H "X-A: $head" -H "X-B: $head")" = 502 ] ||
	fail "too much was taken: $(cat body)"
expect_match 'arguments and the environment are [0-9]+ bytes long' body

# Instances that always are there are no reason to stay, nor is a request.
fn always /wait >waited &
client=$!
sleep 0.3
kill -TERM "$DAEMON"
wait_gone "$DAEMON"
status=0
wait "$DAEMON" || status=$?
wait "$client" || true
[ "$status" = 0 ] || fail "mayflyd ended with $status"
[ -z "$(ls "$STATE/run")" ] || fail "left: $(ls "$STATE/run")"
