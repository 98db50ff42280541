# SPDX-License-Identifier: Apache-2.0
# doctor finds what is there and names the remedy for what is not.
# test: once
. "$LIB"

expect_status 0 "$MAYFLY" doctor
expect_match '^ok +parts ' out
expect_match '^ok +mkfs.erofs ' out
expect_match '^(ok|warn) +kvm ' out
expect_status 0 "$MAYFLY" doctor --json
python3 -c 'import json
s = json.load(open("out"))
assert s["ok"] is True
names = [c["name"] for c in s["checks"]]
assert "kvm" in names and len(set(names)) == len(names)
assert all(c["level"] in ("ok", "warn") for c in s["checks"])'

mkdir bin
expect_status 1 env PATH="$TMP/bin" "$MAYFLY" doctor
expect_match '^fail +mkfs.erofs ' out
expect_match 'install the package erofs-utils' out
expect_status 0 env XDG_CACHE_HOME=/dev/null/x "$MAYFLY" doctor
expect_match '^warn +cache ' out
expect_match 'set XDG_CACHE_HOME' out

# What the platform needs.
for check in cgroup pressure files memory state port user; do
	expect_match "^(ok|warn) +$check " out
done
expect_status 1 env MAYFLY_STATE=/dev/null/x "$MAYFLY" doctor
expect_match '^fail +state ' out
expect_match 'set MAYFLY_STATE' out
expect_status 0 env MAYFLY_STATE=/dev/shm/x/y "$MAYFLY" doctor
expect_match '^warn +state .*gone after a reboot' out
[ ! -e /dev/shm/x ] || fail 'doctor made something'
# shellcheck disable=SC3045 # dash has it
ulimit -n 1000
expect_status 0 "$MAYFLY" doctor
expect_match '^warn +files .* 1000 descriptors' out
# Whether we take the port or somebody has it: it is in use.
python3 -c 'import socket, time
s = socket.socket()
try:
    s.bind(("127.0.0.1", 8080))
    s.listen()
except OSError:
    pass
open("taken", "w").close()
time.sleep(20)' &
holder=$!
while [ ! -e taken ]; do sleep 0.1; done
expect_status 0 "$MAYFLY" doctor
kill $holder
expect_match '^warn +port .*in use' out
expect_match 'up --listen' out
