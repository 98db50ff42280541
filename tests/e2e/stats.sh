# SPDX-License-Identifier: Apache-2.0
# --stats: one JSON object on stderr, the last line, with what docs promise.
. "$LIB"

expect_status 3 run --stats "$PROGS/hello.musl" </dev/null
[ "$(wc -l <err)" = 1 ] || fail "stderr: $(cat err)"
python3 - "$SUBSTRATE" <<'PY'
import json
import sys
s = json.load(open("err"))
assert s["status"] == 3 and s["reason"] == "finished", s
assert s["substrate"] == sys.argv[1], s
phases = s["phases_us"]
want = ["open", "spawn", "setup", "vm", "jail", "boot", "ready"]
assert list(phases) == want, phases
assert all(v >= 0 for v in phases.values())
assert s["total_us"] >= phases["open"] + phases["spawn"]
assert s["memory_peak_bytes"] > 0 and s["guest_memory_peak_bytes"] > 0
assert s["exits"] >= 1 and s["doorbells"]["exit"] == 1, s
calls = s["syscalls"]
assert calls.get("exit_group") == 1, calls
assert calls.get("write", 0) + calls.get("writev", 0) >= 1, calls
assert not any(k.isdigit() for k in calls), calls
PY

got=0
run --stats "$PROGS/deaths.musl" null >out 2>err || got=$?
[ "$got" = 139 ] || fail "status $got"
tail -n 1 err >last
python3 -c 'import json
s = json.load(open("last"))
assert s["status"] == 139 and s["reason"] == "signal", s'

got=0
run --stats --timeout 200ms "$PROGS/signals.musl" default >out 2>err || got=$?
[ "$got" = 124 ] || fail "status $got"
tail -n 1 err >last
python3 -c 'import json
s = json.load(open("last"))
assert s["status"] == 124 and s["reason"] == "timeout", s'
