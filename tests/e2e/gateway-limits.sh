# SPDX-License-Identifier: Apache-2.0
# test: timeout 120
# Limits of functions that the gateway enforces: time, sizes, tokens, and
# what callers are told when there is no room.
. "$LIB"
. "$SRC/tests/platform.sh"

musl-gcc -static -O2 -D_GNU_SOURCE -o fn "$SRC/tests/e2e/gateway_fn.c"
"$MAYFLY" build ./fn -o fn.img >/dev/null
platform_start

# code STATUS PATH [CURL OPTION...]: a request, answered with the status
code() {
	want=$1
	shift
	gate "$@" -o out -D head -w '%{http_code}' >code || true
	[ "$(cat code)" = "$want" ] ||
		fail "$*: status $(cat code), want $want: $(cat out)"
}

# ---- time
deploy quick fn.img '{"first_byte_ms":300}'
code 504 /fn/quick/silent
expect_match 'the function sent no answer within 300 ms' out
code 200 /fn/quick/
deploy short fn.img '{"total_ms":500}'
code 504 /fn/short/silent
expect_match 'the request took longer than 500 ms' out
deploy idle fn.img '{"idle_ms":300}'
status=0
gate /fn/idle/events -N >out 2>err || status=$?
[ "$status" = 18 ] || fail "curl says $status, not cut off"
expect_match '^data: 0$' out
python3 - "$GATEWAY" >out <<'PY'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"POST /fn/idle/count HTTP/1.1\r\nHost: h\r\n"
          b"Content-Length: 10\r\n\r\nabc")
print(s.recv(1000).decode())
PY
expect_match '^HTTP/1.1 408 ' out
expect_match "nothing of the request's body came for 300 ms" out

# ---- sizes
deploy small fn.img '{"request_bytes_max":1000,"response_bytes_max":2000}'
head -c 1000 /dev/zero >data
code 200 /fn/small/count --data-binary @data
echo >>data
code 413 /fn/small/count --data-binary @data
code 413 /fn/small/count -H 'Transfer-Encoding: chunked' --data-binary @data
code 200 '/fn/small/big?2000'
code 502 '/fn/small/big?2001'
expect_match "the function's answer is larger than 2000 bytes" out

# ---- tokens
deploy closed fn.img '{"needs_token":true}'
api POST /v1/tokens '{"name":"t","role":"invoke","function":"closed"}' >out
token=$(sed -n 's/.*"token": *"\([^"]*\)".*/\1/p' body)
[ -n "$token" ] || fail "no token: $(cat body)"
code 401 /fn/closed/
expect_match '^WWW-Authenticate: Bearer' head
code 401 /fn/closed/ -H 'Authorization: Bearer wrong'
code 401 /fn/closed/ -H "Authorization: Basic $token"
code 200 /fn/closed/ -H "Authorization: Bearer $token"
! grep -qi 'authorization\|bearer' out || fail "the function sees the token"
api DELETE /v1/tokens/t >out
code 401 /fn/closed/ -H "Authorization: Bearer $token"

# ---- no room
deploy one fn.img '{"max_instances":1,"queue_max":1,"total_ms":20000}'
# one_says REGEX: the API does, of the function
one_says() {
	api GET /v1/functions/one >out && grep -Eq "$1" body
}
gate /fn/one/silent >/dev/null 2>&1 &
a=$!
until_true 10 one_says '"busy": *1'
gate /fn/one/silent >/dev/null 2>&1 &
b=$!
until_true 10 one_says '"waiting": *1'
code 429 /fn/one/
expect_match '^Retry-After: [0-9]+' head
kill "$a" "$b"
