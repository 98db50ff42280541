# SPDX-License-Identifier: Apache-2.0
# Names of running instances: one holder each, free again at the end however
# it came, and a directory that is nobody else's.
. "$LIB"

mkdir -m 700 rt
export XDG_RUNTIME_DIR="$TMP/rt"

start --name web "$PROGS/signals.musl" default
wait_line start.out .
[ "$(stat -c %a rt/mayfly)" = 700 ] || fail "mode $(stat -c %a rt/mayfly)"
[ -S rt/mayfly/web ] || fail "no socket"

# Taken.
expect_status 125 run --name web "$PROGS/hello.musl" </dev/null
expect_match 'an instance named web is running already' err
[ ! -s out ] || fail "it ran: $(cat out)"
expect_status 3 run --name web2 "$PROGS/hello.musl" </dev/null
[ "$(ls rt/mayfly)" = web ] || fail "left: $(ls rt/mayfly)"

# Killed: what is left does not count, and goes.
kill -9 "$PID"
wait "$PID" || true
[ -S rt/mayfly/web ] || fail "nothing was left, the test is void"
expect_status 127 "$MAYFLY" trace web
[ ! -e rt/mayfly/web ] || fail "the socket is still there"
start --name web "$PROGS/signals.musl" default
wait_line start.out .
kill -9 "$PID"
wait "$PID" || true
expect_status 3 run --name web "$PROGS/hello.musl" </dev/null
[ -z "$(ls rt/mayfly)" ] || fail "left: $(ls rt/mayfly)"

# A directory that others may enter is not used; the program runs.
chmod 755 rt/mayfly
expect_status 3 run --name web "$PROGS/hello.musl" </dev/null
expect_match "$TMP/rt/mayfly is not this user's alone; remove it" err
expect_status 3 run "$PROGS/hello.musl" </dev/null
[ ! -s err ] || fail "stderr: $(cat err)"
rmdir rt/mayfly
ln -s / rt/mayfly
expect_status 3 run --name web "$PROGS/hello.musl" </dev/null
expect_match 'cannot open the directory' err
rm rt/mayfly
chmod 500 rt
if [ "$(id -u)" != 0 ]; then
	expect_status 3 run --name web "$PROGS/hello.musl" </dev/null
	expect_match 'cannot make the directory' err
fi
chmod 700 rt

# A long path is no obstacle to a socket.
long=$TMP/$(printf '%0100d' 0)
mkdir -m 700 "$long"
XDG_RUNTIME_DIR=$long
start --name far "$PROGS/signals.musl" default
wait_line start.out .
[ -S "$long/mayfly/far" ] || fail "no socket at a long path"
kill -TERM "$PID"
wait "$PID" || true
[ -z "$(ls "$long/mayfly")" ] || fail "left: $(ls "$long/mayfly")"
