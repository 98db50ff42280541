# SPDX-License-Identifier: Apache-2.0
# Container images built and run as a user would: a static server, a dynamic
# one in the tree of a distribution, arguments as docker treats them, what
# goes wrong.
# test: no-san
# test: timeout 180
. "$LIB"

mkdir tmp
export TMPDIR="$TMP/tmp" XDG_CACHE_HOME="$TMP/cache"
export PYTHONPATH="$SRC/tests" PYTHONDONTWRITEBYTECODE=1

# nothing_left: in TMPDIR, or of an image
nothing_left() {
	[ -z "$(ls "$TMPDIR")" ] || fail "left in TMPDIR: $(ls "$TMPDIR")"
	[ ! -e bad.img ] || fail "left bad.img"
}

python3 - "$PROGS" <<'PY'
import sys
from oci_make import *
def load(name):
    with open(f"{sys.argv[1]}/{name}", "rb") as f:
        return f.read()
i = Image(Entrypoint=["/bin/server"], Cmd=["8080"], User="nobody",
          ExposedPorts={"8080/tcp": {}}, WorkingDir="/srv",
          Env=["COLOUR=blue"])
i.layer(file("bin/server", load("http-epoll.musl"), mode=0o755),
        file("etc/passwd", b"nobody:x:99:99::/none:/bin/sh\n"),
        file("bin/su", mode=0o4755), device("dev/null"), file("old"))
i.layer(file(".wh.old"), file("srv/data", b"some data\n"))
i.write("server")
with open("/bin/busybox", "rb") as f:
    busybox = f.read()
def box(**config):
    return Image(**config).layer(file("bin/busybox", busybox, mode=0o755))
def user(name, *args, **config):
    box(Entrypoint=["busybox", *args], User="app:web", **config).layer(
        file("etc/passwd", b"root:x:0:0::/:\napp:x:70001:102::/data:\n"),
        file("etc/group", b"app:x:102:\nweb:x:103:\n"),
        directory("data", 0o700, uid=70001, gid=102)).write(name)
user("who", "id")
user("home", "sh", "-c", "cd; pwd; echo text >file; read -r x <file; echo $x")
user("stop", "sh", "-c", "trap 'echo quit; exit 3' QUIT; echo ready; "
     "while :; do :; done", StopSignal="SIGQUIT")
user("killed", "sh", "-c", "echo ready; while :; do :; done", StopSignal="2")
box(Entrypoint=["/bin/busybox", "echo"], Cmd=["a", "b"]).write("echo")
box(Cmd=["busybox", "echo", "cmd"]).write("cmd")
box().write("none")
box(Entrypoint=["env"], Env=["A=1", "PATH=/bin"]).layer(
    symlink("bin/env", "/bin/busybox")).write("env")
box(Entrypoint=["/start.sh"], Cmd=["one"]).layer(
    file("start.sh", b'#!/bin/busybox sh\necho "started with $*"\n',
         mode=0o755)).write("script")
PY

# ---- a server ----------------------------------------------------------------
skopeo copy -q oci:server oci-archive:server.tar
expect_status 0 "$MAYFLY" build oci-archive:server.tar
expect_match '^sha256:[0-9a-f]{64}  server\.tar\.img  [0-9]+ bytes$' out
digest=$(cut -d ' ' -f 1 out)
expect_match 'holds no devices, sockets or pipes: /dev/null$' err
expect_match 'setuid and setgid bits are dropped: /bin/su$' err
for ref in oci:server oci-archive:server.tar; do
	expect_status 0 "$MAYFLY" build "$ref" -o again.img
	[ "$(cut -d ' ' -f 1 out)" = "$digest" ] || fail "$ref: another digest"
	cmp again.img server.tar.img
done
registry_start
push server shop/server
expect_status 0 "$MAYFLY" build "docker://$REGISTRY/shop/server:latest"
expect_match "^$digest  server\.img " out
"$MAYFLY" inspect again.img >listing
expect_match '^ports +8080/tcp$' listing
expect_match '^user +99:99$' listing
expect_match '^cwd +/srv$' listing
expect_match ' /srv/data$' listing
if grep -Eq ' /(old|dev/null|srv/\.wh.*)$' listing; then
	fail "not left out: $(cat listing)"
fi
port=$(free_port)
start -p "$port:8080" server.tar.img
wait_port "$port"
python3 "$SRC/tests/http_load.py" "$port" 'epoll says hello' -n 50
kill -TERM "$PID"
wait "$PID" || true

# prints TEXT CMD...
prints() {
	text=$1
	shift
	expect_status 0 "$@"
	[ "$(cat out)" = "$text" ] || fail "$* prints $(cat out)"
}
push echo echo
prints 'from there' run "docker://$REGISTRY/echo" from there

# ---- arguments ------------------------------------------------------------
prints 'a b' run oci:echo
prints 'x' run oci:echo x
expect_status 0 "$MAYFLY" build oci:echo -o echo.img -- c d
prints 'c d' run echo.img
prints 'c d e' run echo.img e
prints 'cmd' run oci:cmd
prints 'other' run oci:cmd echo other
expect_status 0 "$MAYFLY" build oci:cmd -o cmd.img -- /bin/busybox echo else
prints 'else' run cmd.img
prints 'started with one' run oci:script
prints 'started with x y' run oci:script x y
expect_status 0 run oci:env
for line in A=1 PATH=/bin HOME=/; do
	grep -qx "$line" out || fail "$line is not in $(cat out)"
done
expect_status 126 "$MAYFLY" build oci:none -o bad.img
expect_match '^mayfly: nothing says what the image runs; say it: mayfly bui' err
expect_status 0 "$MAYFLY" build oci:none -o none.img -- busybox echo given
prints 'given' run none.img
nothing_left

# ---- its user, its stop signal ----------------------------------------------
prints 'uid=70001(app) gid=103(web)' run oci:who
prints '/data
text' run oci:home
"$MAYFLY" build oci:stop -o stop.img
"$MAYFLY" inspect stop.img >listing
expect_match '^user +70001:103$' listing
expect_match '^stop signal +3$' listing
# stopped IMAGE STATUS TEXT: what SIGTERM for mayfly does to it
stopped() {
	start "$1"
	wait_line start.out '^ready$'
	kill -TERM "$PID"
	got=0
	wait "$PID" || got=$?
	[ "$got" = "$2" ] || fail "$1: status $got: $(cat start.err)"
	[ "$(sed 1d start.out)" = "$3" ] || fail "$1: $(cat start.out)"
	[ ! -s start.err ] || fail "$1 says $(cat start.err)"
}
stopped stop.img 3 quit
stopped oci:killed 130 ''

# ---- an archive that changes is built again -------------------------------
skopeo copy -q oci:echo oci-archive:change.tar
prints 'a b' run oci-archive:change.tar
skopeo copy -q oci:cmd oci-archive:other.tar
mv other.tar change.tar
prints 'cmd' run oci-archive:change.tar

# ---- what goes wrong -------------------------------------------------------
expect_status 1 "$MAYFLY" build docker://127.0.0.1:1/x -o bad.img
expect_match 'connection refused' err
expect_match '^cannot fetch docker://127.0.0.1:1/x: check the name' err
expect_match '^mayfly: the builder oci failed with status 1; nothing was' err
expect_status 1 "$MAYFLY" build "docker://$REGISTRY/shop/none" -o bad.img
expect_match '^cannot fetch .*/shop/none: check the name, and that its' err
expect_status 125 run docker://127.0.0.1:1/x
expect_match '^cannot fetch docker://127.0.0.1:1/x' err
for f in server/blobs/sha256/*; do
	[ "$(wc -c <"$f")" -lt 10000 ] || break
done
printf x >>"$f"
expect_status 1 "$MAYFLY" build oci:server -o bad.img
python3 - <<'PY'
from oci_make import *
Image(Cmd=["/x"]).layer(file("../x")).write("escape")
Image(Cmd=["/x"]).layer(file("y")).write("missing")
PY
expect_status 1 "$MAYFLY" build oci:escape -o bad.img
expect_match '^mayfly-unpack: layer 1 of 1: \.\./x has \.\. in its name' err
expect_status 126 "$MAYFLY" build oci:missing -o bad.img
expect_match '^mayfly: the program /x is not in the image' err
nothing_left
