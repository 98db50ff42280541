# SPDX-License-Identifier: Apache-2.0
# mayfly bench start: every way gives an answer, an instance that was reset
# too; what is asked for wrongly gets a sentence.
. "$LIB"

expect_status 0 "$MAYFLY" build "$SRC/examples/hello-c" -o hello.img
expect_status 0 "$MAYFLY" snapshot --substrate "$SUBSTRATE" hello.img
"$MAYFLY" bench start -p 8080 -n 3 --sustained 1s --json hello.snap >samples
SUBSTRATE=$SUBSTRATE python3 - <<'PY'
import json, os
m = json.load(open("samples"))
kvm = os.environ["SUBSTRATE"] == "kvm"
ways = {"boot", "clone", "shell", "pool"}
if kvm:
    ways |= {"again", "reset"}
for way in ("bare", "boot", "clone", "shell", "pool", "again", "reset"):
    assert len(m[way]) == (3 if way in ways else 0), (way, m[way])
    assert all(0 < ns < 20e9 for ns in m[way]), m
assert len(m["first_requests"]) == 10 and m["later_requests"] > 0, m
assert (m["per_second"] > 0) == kvm, m
PY
expect_status 0 "$MAYFLY" bench start -n 2 hello.snap -- \
	python3 -c '
import http.server, os
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
where = ("127.0.0.1", int(os.environ["PORT"]))
http.server.HTTPServer(where, H).serve_forever()'
expect_match '^bare process +[0-9.]+ +[0-9.]+ +[0-9.]+$' out
expect_match '^clone, ready in a pool +[0-9.]+ +[0-9.]+ +[0-9.]+$' out

printf '#include <stdio.h>\nint main(void) { return getchar(); }\n' >in.c
musl-gcc -static -o in in.c
expect_status 0 "$MAYFLY" snapshot --substrate "$SUBSTRATE" ./in
expect_status 125 "$MAYFLY" bench start in.snap
expect_match 'does not listen yet, and its image says no port; --port' err
expect_status 125 "$MAYFLY" bench start -p 8080 hello.img
expect_match 'hello.img' err
expect_status 125 "$MAYFLY" bench start
expect_match 'nothing to measure' err
expect_status 125 "$MAYFLY" bench stop hello.snap
expect_match 'measures two things: mayfly bench start SNAPSHOT, and' err
expect_status 125 "$MAYFLY" bench start -n 0 hello.snap
expect_match '0 is no count of rounds' err
expect_status 125 "$MAYFLY" bench start -p 8080 --path x hello.snap
expect_match 'does not begin with /' err
