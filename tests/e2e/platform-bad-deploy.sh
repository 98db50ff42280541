# SPDX-License-Identifier: Apache-2.0
# Deploys that fail: what served before still does, the answer says why, and
# nothing is left behind.
# test: timeout 180
. "$LIB"
. "$SRC/tests/platform.sh"

musl-gcc -static -O2 -o fn "$SRC/tests/platform_fn.c"
export MAYFLY_STATE="$STATE"
platform_start
"$MAYFLY" deploy ./fn >out 2>err || fail "deploy: $(cat err)"

# what is below the state directory of versions
files() {
	ls "$STATE/versions" "$STATE/images"
}
files >before
nothing_left() {
	files >after && cmp -s before after
}

# refused REGEX OPTION...: a deploy of fn with these says so
refused() {
	says=$1
	shift
	expect_status 1 "$MAYFLY" deploy ./fn "$@"
	expect_match "$says" err
	[ ! -s out ] || fail "stdout: $(cat out)"
	[ "$("$MAYFLY" invoke fn)" = here ] || fail 'the old version is gone'
	until_true 20 nothing_left
}

refused 'it ended with status 3 before it waited' -e EXIT=3
expect_match '^  \| there is no configuration' err
refused 'there is nothing to|ended' -e EXIT=0
refused 'signal 6 ended it' -e CRASH=1
refused 'does not listen on port 8080' -e MUTE=1 --start-timeout 300ms
refused 'GET / with status 503' -e 'STATUS=503 Busy'
refused 'GET /ready with status 500' --readiness /ready -e 'STATUS=500 No'
refused 'is no HTTP' -e 'GARBAGE=good day'
refused 'isolation request' --concurrency 4
refused 'memory_bytes' -m 1m
refused 'min_instances is more' --min 3 --max 2
refused 'mode is neither' --mode ftp
refused 'egress' --egress 'a b'
expect_status 125 "$MAYFLY" deploy ./fn --cpu 2
expect_status 125 "$MAYFLY" deploy ./fn --no-such-option
expect_status 127 "$MAYFLY" deploy ./nothing-here

# A program that prints and ends is a function of mode stdio, if it is told.
refused 'status 7|exit' --mode stdio -e EXIT=7

# What is no image, is cut, or is damaged.
"$MAYFLY" build ./fn -o fn.img >out
head -c 100000 fn.img >cut.img
cp fn.img damaged.img
printf 'x' | dd of=damaged.img bs=1 seek=20000 conv=notrunc 2>dd.err
for f in cut damaged; do
	status=$(curl -sS -o body -w '%{http_code}' --unix-socket \
		"$STATE/api.sock" -T "$f.img" -X POST http://x/v1/images)
	[ "$status" = 422 ] || fail "$f.img: $status: $(cat body)"
done
nothing_left || fail "an upload is left: $(diff before after)"

# The client goes away in the middle.
"$MAYFLY" deploy ./fn -e SLOW=20 >out 2>err &
client=$!
PIDS="$PIDS $client"
until_true 20 not nothing_left # it has begun
kill -TERM "$client"
wait "$client" 2>/dev/null || true
until_true 20 nothing_left
[ "$("$MAYFLY" invoke fn)" = here ] || fail 'the old version is gone'

# The first deploy of a name: there is no such function then, nor its log.
expect_status 1 "$MAYFLY" deploy ./fn -n never -e 'STATUS=503 Busy'
expect_match '^  \| ' err
until_true 20 test ! -e "$STATE/logs/never.log"
get /metrics >metrics
! grep '"never"' metrics || fail 'its metrics are left'

# Two at a time of one function.
"$MAYFLY" deploy ./fn -e SLOW=20 >out 2>slow.err &
client=$!
PIDS="$PIDS $client"
until_true 20 not nothing_left # it has begun
expect_status 1 "$MAYFLY" deploy ./fn
expect_match 'fn is being deployed by somebody else' err
kill -TERM "$client"
wait "$client" 2>/dev/null || true

# An image that was uploaded for a deploy that is refused.
echo "another image" >ballast
"$MAYFLY" build ./fn --add ./ballast:/ballast -o ballast.img >out
expect_status 1 "$MAYFLY" deploy ballast.img --port 0
expect_match 'port is not a whole number' err
until_true 20 nothing_left

# No room for the image, then none for the snapshot: a limit on the size of
# files stands for a full disk.
prlimit --pid "$DAEMON" --fsize=200000:
head -c 100000 /dev/urandom >ballast
"$MAYFLY" build ./fn --add ./ballast:/ballast -o big.img >out
expect_status 1 "$MAYFLY" deploy big.img
expect_match 'the image cannot be kept' err
files >after
cmp before after || fail "left: $(diff before after)"
prlimit --pid "$DAEMON" --fsize=unlimited:
"$MAYFLY" deploy ./fn -e SAY=again >out 2>err || fail "deploy: $(cat err)"
[ "$("$MAYFLY" invoke fn)" = again ] || fail 'no answer after all of this'
