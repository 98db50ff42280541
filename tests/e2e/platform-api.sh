# SPDX-License-Identifier: Apache-2.0
# The API: what its document says, who may use it, and what it makes of bad
# requests.
# test: timeout 120
. "$LIB"
. "$SRC/tests/platform.sh"

musl-gcc -static -O2 -o fn "$SRC/tests/platform_fn.c"
expect_status 0 "$MAYFLY" build ./fn -o fn.img
tcp=$(free_port)
platform_start --api "127.0.0.1:$tcp"
python3 "$SRC/tests/openapi_check.py" "$SRC/docs/api/openapi.json" \
	"$SRC/daemon/api/routes.c" "$STATE/api.sock" fn.img

# By TCP, with a token or not at all.
export MAYFLY_STATE="$STATE"
"$MAYFLY" deploy fn.img >out 2>err || fail "deploy: $(cat err)"
admin=$("$MAYFLY" token create admin)
invoke=$("$MAYFLY" token create invoke --invoke)
# status PATH [OPTION...]: of a request to the TCP address
status() {
	at=$1
	shift
	curl -sS -o body -w '%{http_code}' --max-time 20 "$@" \
		"http://127.0.0.1:$tcp$at"
}
[ "$(status /v1/health)" = 200 ] || fail "health: $(cat body)"
[ "$(status /v1/functions)" = 401 ] || fail "no token: $(cat body)"
[ "$(status /v1/nothing)" = 404 ] || fail "no such path: $(cat body)"
[ "$(status /v1/functions -H "Authorization: Bearer mf_0")" = 401 ] ||
	fail "a wrong token: $(cat body)"
[ "$(status /v1/functions -H "Authorization: Bearer $invoke")" = 403 ] ||
	fail "a token of role invoke: $(cat body)"
[ "$(status /v1/functions -H "Authorization: Bearer $admin")" = 200 ] ||
	fail "a token of role admin: $(cat body)"
[ "$(status /fn/fn/)" = 401 ] || fail "a function: $(cat body)"
[ "$(status /fn/fn/ -H "Authorization: Bearer $admin")" = 200 ] ||
	fail "a function, by role admin: $(cat body)"
[ "$(MAYFLY_API=http://localhost:$tcp MAYFLY_TOKEN=$admin "$MAYFLY" \
	invoke fn)" = here ] || fail 'invoke by TCP'
expect_status 1 env "MAYFLY_API=http://127.0.0.1:$tcp" "$MAYFLY" ls
expect_match 'wants a token' err
expect_status 125 env MAYFLY_API=https://somewhere "$MAYFLY" ls
expect_match 'neither http://ADDRESS:PORT nor unix:PATH' err

# The socket is its user's alone, and the tokens are nowhere in plain text.
[ "$(stat -c %a "$STATE/api.sock")" = 600 ] || fail 'the mode of api.sock'
# by_nobody GROUP: status of a request of another user who has that group
by_nobody() {
	setpriv --reuid 65534 --regid "$1" --clear-groups curl -s \
		-w '%{http_code}' -o /dev/null --unix-socket \
		"$STATE/api.sock" http://x/v1/functions || true
}
others=
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	others=yes
	chmod 711 . .. "$STATE"
	chmod 666 "$STATE/api.sock"
	got=$(by_nobody 65534)
	[ "$got" = 403 ] || fail "another user: $got"
	chmod 700 "$STATE"
	chmod 600 "$STATE/api.sock"
fi
! grep -rqa "$admin" "$STATE" || fail 'a token is stored as it is'

# Bodies and heads that are too much, or nothing.
long=$(head -c 20000 /dev/zero | tr '\0' a)
[ "$(api GET "/v1/functions?$long")" = 414 ] ||
	[ "$(api GET "/v1/functions?$long")" = 431 ] || fail "$(cat body)"
head -c 1100000 /dev/zero | tr '\0' ' ' >spaces
[ "$(curl -sS -o body -w '%{http_code}' --unix-socket "$STATE/api.sock" \
	-H 'Content-Type: application/json' --data-binary @spaces \
	http://x/v1/tokens)" = 413 ] || fail "a large body: $(cat body)"
[ "$(api POST /v1/tokens '{"name":"a","name":"b"}')" = 400 ] ||
	fail "a key that is said twice: $(cat body)"
[ "$(api POST /v1/tokens '[]')" = 400 ] || fail "no object: $(cat body)"
[ "$(api PATCH /v1/tokens '{}')" = 405 ] || fail "PATCH: $(cat body)"
[ "$(api GET /v1/functions '{}')" = 400 ] || fail "a body: $(cat body)"
[ "$(api GET /v1/../etc/passwd)" = 404 ] || fail "dots: $(cat body)"
[ "$(curl -sS -o body -w '%{http_code}' --unix-socket "$STATE/api.sock" \
	-H 'Content-Type: text/plain' -d '{}' http://x/v1/tokens)" = 415 ] ||
	fail "text/plain: $(cat body)"

# Many that say nothing are in nobody's way.
python3 - "$STATE/api.sock" <<'PY'
import socket
import sys

conns = []
for _ in range(250):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    s.sendall(b"GET /v1/fun")
    conns.append(s)
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
got = b""
while got.count(b'{"status":"ok"}') < 3:
    more = s.recv(4096)
    assert more, got
    got += more
PY
[ "$(api GET /v1/health)" = 200 ] || fail "after that: $(cat body)"
kill -0 "$DAEMON" || fail "mayflyd is gone: $(cat mayflyd.err)"

# One group may use the socket too, and sees nothing else of the directory.
[ -n "$others" ] || exit 0
kill -TERM "$DAEMON"
wait "$DAEMON" || true
wait_gone "$SPAWNER"
platform_start --api-group daemon
[ "$(stat -c %a "$STATE")" = 710 ] || fail "$(stat "$STATE")"
group=$(stat -c %g "$STATE")
got=$(by_nobody "$group")
[ "$got" = 200 ] || fail "a member of the group: $got"
got=$(by_nobody 65534)
[ "$got" = 000 ] || fail "somebody else: $got"
