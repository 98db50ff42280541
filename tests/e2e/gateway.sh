# SPDX-License-Identifier: Apache-2.0
# test: timeout 120
# The gateway, as curl sees it: what a function is told, bodies of all kinds
# in both directions, routes, and functions that misbehave.
. "$LIB"
. "$SRC/tests/platform.sh"

musl-gcc -static -O2 -D_GNU_SOURCE -o fn "$SRC/tests/e2e/gateway_fn.c"
"$MAYFLY" build ./fn -o fn.img >/dev/null
platform_start
deploy fn fn.img '{"isolation":"reuse","routes":["/shop","a.example/"]}'
deploy once fn.img '{}'

# ---- what the function is told
gate '/fn/fn/a/b?c=%20d' -H 'X-Request-Id: my-id' -D head \
	-H 'X-Forwarded-For: 1.2.3.4' -H 'Connection: X-Hop' -H 'X-Hop: 1' >out
expect_match '^GET /a/b\?c=%20d HTTP/1.1' out
expect_match "^Host: 127.0.0.1:$GATEWAY" out
expect_match '^X-Forwarded-For: 127.0.0.1.$' out
expect_match '^X-Forwarded-Proto: http.$' out
expect_match '^X-Forwarded-Prefix: /fn/fn.$' out
here=127.0.0.1:$GATEWAY
expect_match "^Forwarded: for=127.0.0.1;host=\"$here\";proto=http.\$" out
expect_match '^X-Request-Id: my-id.$' out
expect_match '^traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-01.$' out
expect_match '^X-Request-Start: t=[0-9]{16}.$' out
! grep -qi '^X-Hop\|1\.2\.3\.4' out || fail "passed on what it should not"
expect_match '^X-Request-Id: my-id.$' head
expect_match '^X-Mayfly-Instance: [0-9a-f]{32}.$' head
expect_match '^Date: ' head
id=$(sed -n 's/^X-Mayfly-Instance: //p' head)
[ "$id" = "$(sed -n 's/^X-Mayfly-Instance: //p' out)" ] ||
	fail "function and client are told different instances"

trace=00-0af7651916cd43dd8448eb211c80319c
gate /fn/fn/ -H "traceparent: $trace-b7ad6b7169203331-00" >out
expect_match "^traceparent: $trace-[0-9a-f]{16}-00.\$" out
! grep -q b7ad6b7169203331 out || fail "the parent is not the gateway"

# ---- routes
gate / -H 'Host: fn.localhost' >out
expect_match '^GET / HTTP/1.1' out
! grep -q Prefix out || fail "there is no prefix"
gate /shop/x >out
expect_match '^GET /shop/x HTTP/1.1' out
gate /y -H 'Host: A.example' >out
expect_match '^GET /y HTTP/1.1' out
for path in / /fn/none/ /shopping /fn/; do
	gate "$path" -o out -w '%{http_code}\n' >code
	expect_match '^404$' code
done
gate /none -H 'Accept: application/json' >out
expect_match '^\{"status":404,"error":"no function answers.*"request":"' out

# ---- bodies
head -c 3000000 /dev/urandom >data
gate /fn/fn/echo --data-binary @data -o got
cmp data got
gate /fn/fn/echo -H 'Transfer-Encoding: chunked' --data-binary @data -o got
cmp data got
gate /fn/once/echo -T - -o got <data
cmp data got
gate '/fn/fn/big?5000000' -o got
[ "$(wc -c <got)" = 5000000 ] || fail "$(wc -c <got) bytes of 5000000"
gate '/fn/fn/big?100000' --http1.0 -o got
[ "$(wc -c <got)" = 100000 ] || fail "$(wc -c <got) bytes of 100000"
printf hello | gate /fn/fn/echo --http1.0 --data-binary @- >out
expect_match '^hello$' out
gate /fn/fn/x -I >out
expect_match '^Content-Length: 12345' out
gate /fn/fn/count -H 'Expect: 100-continue' --data-binary @data -v \
	>out 2>err
expect_match '^3000000$' out
expect_match '^< HTTP/1.1 100 Continue' err
# curl asks three times on one connection, the answers are in order.
gate '/fn/fn/big?[1-3]' -v >out 2>err
[ "$(cat out)" = bbbbbb ] || fail "answers are mixed up"
[ "$(grep -c 'Connected to' err)" = 1 ] || fail "no connection was kept"

# ---- events come one by one: the function sends the next when it is asked to
gate /fn/fn/events -N >events 2>err &
for n in 0 1 2 3 4; do
	wait_line events "^data: $n\$"
	gate /fn/fn/next >/dev/null
done
wait $!

# ---- functions that misbehave
code() {
	want=$1
	shift
	gate "$@" -o out -w '%{http_code}' >code || true
	[ "$(cat code)" = "$want" ] ||
		fail "$*: status $(cat code), want $want: $(cat out)"
}
code 502 /fn/fn/garbage
expect_match 'malformed: the first line has no HTTP version' out
code 502 /fn/once/garbage
code 502 /fn/fn/both
expect_match 'there are Content-Length and Transfer-Encoding' out
code 502 /fn/once/hang-up
expect_match 'closed the connection without an answer' out
code 502 /fn/once/exit
expect_match '^502 Bad Gateway: the instance ended: .*status 3' out
code 200 /fn/fn/two
[ "$(cat out)" = one ] || fail "the first answer is not the answer"
code 200 /fn/fn/count -d abc
[ "$(cat out)" = 3 ] || fail "an answer that was not asked for"
for path in /fn/fn/short /fn/once/short /fn/once/die /fn/fn/die; do
	status=0
	gate "$path" >out 2>err || status=$?
	[ "$status" = 18 ] || fail "$path: curl says $status, not cut off"
	expect_match '^half of it$' out
done
code 200 /fn/fn/count -d abc

# ---- and all of it is in the access log
grep -q '"request":"my-id"' "$STATE/access.log" || fail "no line of my-id"
grep '/fn/once/exit' "$STATE/access.log" >lines
expect_match '"status":502' lines
expect_match 'the instance ended' lines
kill -0 "$DAEMON" || fail "mayflyd is gone"
