# SPDX-License-Identifier: Apache-2.0
# An instance that was reset is as one that is new: whatever the one before it
# did to its memory, its registers and what the kernel kept for it.
# test: timeout 120
. "$LIB"

expect_status 0 "$MAYFLY" build "$PROG" -o server.img
expect_status 0 "$MAYFLY" snapshot --substrate "$SUBSTRATE" server.img

# ask PATH FILE: the answer of whichever instance comes. It has time to wait
# for the connection and then for the request, so that all of them are asked
# in the same state.
cat >ask.py <<'PY'
import socket, sys, time
port, path = int(sys.argv[1]), sys.argv[2]
for _ in range(200):
    time.sleep(0.1)
    try:
        with socket.create_connection(("127.0.0.1", port), 20) as s:
            time.sleep(0.1)
            s.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode())
            got = b"".join(iter(lambda: s.recv(65536), b""))
    except OSError:
        continue
    if got:
        sys.stdout.buffer.write(got)
        sys.exit()
sys.exit(f"{path}: no answer")
PY
ask() {
	python3 ask.py "$port" "$1" >"$2" || fail "$1: $(cat start.err)"
}

# What new ones look like, and where they differ.
port=$(free_port)
for n in 1 2 3 4 5; do
	start --restart -p "$port:8080" server.snap
	ask /ram "new$n.ram"
	kill -TERM "$PID"
	wait "$PID" || true
done
start --restart -p "$port:8080" server.snap
ask /state new.state
kill -TERM "$PID"
wait "$PID" || true
expect_match '^vectors 1$' new.state
expect_match '^zero 1$' new.state
expect_match '^filled 1$' new.state
expect_match '^gone 1$' new.state

start --restart -p "$port:8080" server.snap
for path in exit map kernel memory; do
	ask "/$path" end
	ask /state after.state
	cmp new.state after.state || fail "after $path: $(cat after.state)"
	ask /exit end
	for n in 1 2 3; do
		ask "/$path" end
		ask /ram "after-$path$n.ram"
		ask /exit end
	done
done
python3 - <<'PY'
def pages(name):
    with open(name) as f:
        return {l.split()[1]: l.split()[2] for l in f if l.startswith("page ")}

new = [pages(f"new{n}.ram") for n in range(1, 6)]
every = set().union(*new)
vary = {p for p in every if len({m.get(p) for m in new}) > 1}
assert len(every) > 60, len(every)
assert len(vary) < 60, (len(vary), len(every))

def wrong(name):
    after = pages(name)
    return {p for p in (every | set(after)) - vary
            if after.get(p) != new[0].get(p)}

# Rings and statistics differ by what came when, in new ones too; what the
# instance before has left would be there each time.
for path in ("exit", "map", "kernel", "memory"):
    each = [wrong(f"after-{path}{n}.ram") for n in (1, 2, 3)]
    left = set.intersection(*each)
    print(path, len(every), "pages,", len(vary), "vary,",
          [len(w) for w in each], "differ")
    assert not left, (path, sorted(left))
    assert all(len(w) < 8 for w in each), each
PY
# The crash was told, and whoever ends it ends it.
expect_match 'server.snap begins again in 100 ms' start.err
kill -TERM "$PID"
got=0
wait "$PID" || got=$?
[ "$got" = 143 ] || fail "ended with $got: $(cat start.err)"

# So often and no more, also of what is no snapshot.
start --restart=2 -p "$port:8080" server.snap
for n in 1 2 3; do
	ask /exit end
done
wait "$PID" || fail "ended with $?: $(cat start.err)"
expect_status 3 "$MAYFLY" run --substrate "$SUBSTRATE" --restart=2 \
	/bin/busybox sh -c 'echo once; exit 3'
[ "$(wc -l <out)" = 3 ] || fail "not three times: $(cat out)"
expect_match 'busybox begins again in 100 ms' err
expect_match 'busybox begins again in 200 ms' err
expect_status 125 "$MAYFLY" run --restart=no server.snap
expect_match 'restart=no: a number from 1 on is wanted' err
expect_status 125 "$MAYFLY" trace --restart server.snap
expect_match 'a traced program does not begin again' err
