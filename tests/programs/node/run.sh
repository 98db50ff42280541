# SPDX-License-Identifier: Apache-2.0
# Node: the smallest web server, then most of what its library has.
# test: program Node
# test: version node --version
# test: timeout 120
. "$SRC/tests/programs/lib.sh"

NODE=$(command -v node)
echo 'from stdin' >in
seal "$NODE" --add "$HERE/hello.js:/app/hello.js" \
	--add "$HERE/work.js:/app/work.js"

part 'http.createServer on port 8002'
serve_guest 8002 prog.img /app/hello.js
[ "$(PORT=$GPORT get /)" = 'Hello World' ] || fail "$(PORT=$GPORT get /)"
load 'Hello World' -n 2000 -c 8
load 'Hello World' -n 300 -c 4 --close
kill "$GPID"
GUEST=0
wait "$GPID" || GUEST=$?
[ "$GUEST" = 143 ] || fail "SIGTERM: status $GUEST: $(cat start.err)"

# work PART: part of work.js
work() {
	set -- "$1" an 'argument or two'
	native env WORD=yes node "$HERE/work.js" "$@" <in
	guest -e WORD=yes prog.img /app/work.js "$@" <in
	agree
}

part 'worker threads, crypto, zlib, files and watching them'
work library

part 'DNS of localhost, HTTP client, fetch, HTTP/2, UDP, local sockets'
work network

part 'WebAssembly with out-of-bounds traps, optimizing compiler, signals'
work engine

part 'child_process fails with an exception'
expect_match '^spawn: EPERM' guest.err

part 'an exception that nobody catches: stack trace, status 1'
native node -e 'null.x'
guest prog.img -e 'null.x'
[ "$GUEST" = "$NATIVE" ] || fail "status $GUEST, natively $NATIVE"
expect_match '^TypeError: Cannot read properties of null' guest.err
