# SPDX-License-Identifier: Apache-2.0
# Whatever process of the platform is killed, no instance and no cgroup is left,
# and what was deployed answers again.
# test: timeout 120
. "$LIB"
. "$SRC/tests/platform.sh"

no_groups() {
	[ -z "$(groups_of "$1")" ]
}

musl-gcc -static -O2 -o server "$SRC/tests/platform_server.c"
expect_status 0 "$MAYFLY" build ./server -o server.img
platform_start
deploy f server.img \
	'{"isolation":"reuse","memory_bytes":33554432,"min_instances":3}'
[ "$(fn f /)" = 200 ] || fail "no answer: $(cat body)"

# The monitor, while a request waits for its answer.
fn f /wait >waited &
client=$!
find_busy() {
	api GET '/v1/instances?function=f' >/dev/null
	pid=$(python3 -c 'import json
for i in json.load(open("body"))["instances"]:
    if i["in_flight"]:
        print(i["pid"])')
	[ -n "$pid" ]
}
until_true 10 find_busy
kill -KILL "$pid"
wait "$client" || true
[ "$(cat waited)" = 502 ] || fail "the client got $(cat waited)"
[ "$(fn f /)" = 200 ] || fail "no answer afterwards: $(cat body)"

# mayflyd: the spawner ends with all that it had started.
spawner=$SPAWNER
instances=$(pgrep -P "$spawner")
[ -n "$instances" ] || fail 'there are no instances'
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null || true
wait_gone "$spawner" $instances
until_true 10 no_groups "$spawner"
platform_start
[ "$(fn f /)" = 200 ] || fail "no answer after kill -9: $(cat body)"

# The spawner: mayflyd says so and ends, and nothing runs on.
spawner=$SPAWNER
instances=$(pgrep -P "$spawner")
kill -KILL "$spawner"
status=0
wait "$DAEMON" || status=$?
[ "$status" = 125 ] || fail "status $status"
expect_match 'spawner has ended: nothing can be started any more' mayflyd.err
wait_gone "$spawner" $instances
platform_start
until_true 10 no_groups "$spawner"
[ "$(fn f /)" = 200 ] || fail "no answer afterwards: $(cat body)"

# Both at once.
spawner=$SPAWNER
instances=$(pgrep -P "$spawner")
kill -KILL "$DAEMON" "$spawner"
wait "$DAEMON" 2>/dev/null || true
wait_gone "$spawner" $instances
platform_start
until_true 10 no_groups "$spawner"
[ "$(fn f /)" = 200 ] || fail "no answer afterwards: $(cat body)"
kill -TERM "$DAEMON"
status=0
wait "$DAEMON" || status=$?
[ "$status" = 0 ] || fail "status $status: $(cat mayflyd.err)"
wait_gone "$SPAWNER"
until_true 10 no_groups "$SPAWNER"
