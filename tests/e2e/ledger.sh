# SPDX-License-Identifier: Apache-2.0
# The ledger tells how every instance ended and what a month cost; kill -9 of
# mayflyd takes nothing of it.
# test: timeout 120
. "$LIB"
. "$SRC/tests/platform.sh"

# history [QUERY]: into history.json
history() {
	get "/v1/history?limit=10000&runs=1000${1:+&$1}" >history.json
}

has() {
	python3 "$SRC/tests/e2e/ledger_check.py" has history.json "$@"
}

died_now() {
	history "function=$died_function"
	has "reason=$died_reason" "$@" >id 2>why
}

# died FUNCTION REASON [KEY=VALUE...]: an instance did, by and by
died() {
	died_function=$1
	died_reason=$2
	shift 2
	until_true 10 died_now "$@" || fail "$died_function: $(cat why)"
}

sums() {
	history
	get /v1/totals >totals.json
	python3 "$SRC/tests/e2e/ledger_check.py" sums history.json totals.json
}

# An instance of the function that is ready or serves, by key.
instance() {
	get "/v1/instances?function=$1" >instances.json
	python3 -c 'import json, sys
found = json.load(open("instances.json"))["instances"]
found = [i for i in found if i["state"] in ("ready", "busy")]
sys.exit(1) if not found else print(found[0][sys.argv[1]])' "$2"
}

platform_start
server_deploy once '{}'
server_deploy many '{"isolation": "reuse", "memory_bytes": 67108864}'

# ---- a request, from birth to death
[ "$(fn once / -D head)" = 200 ] && grep -qx here body || fail "$(cat body)"
request=$(sed -n 's/^X-Request-Id: \([^\r]*\).*/\1/Ip' head)
died once used runs=1
history "function=once&reason=used"
has "function=once" version=1 >/dev/null
grep -q "\"request\":\"$request\"" history.json || fail "not $request"

# ---- ends
[ "$(fn many /crash)" = 502 ] || fail "$(cat body)"
died many crash signal=11
grep -q crash_here history.json || fail 'no backtrace'
[ "$(fn many /exit)" = 502 ] || fail "$(cat body)"
died many finished "status=$((3 << 8))"
[ "$(fn many /leak)" = 502 ] || fail "$(cat body)"
died many out-of-memory
[ "$(fn many /garbage)" = 502 ] || fail "$(cat body)"
died many broken
fn many / >status
until_true 10 instance many id >id
kill -KILL "$(instance many pid)"
died many killed "id=$(cat id)"
fn many / >status
until_true 10 instance many id >id
[ "$(api DELETE "/v1/instances/$(cat id)")" = 204 ] || fail "$(cat body)"
died many operator "id=$(cat id)"
server_deploy brief '{"isolation": "reuse", "keep_ms": 100}'
fn brief / >status
died brief idle

# ---- a month is the sum of its lives, in every format
sums
history
get '/v1/history?limit=10000&runs=1000&format=csv' >history.csv
python3 "$SRC/tests/e2e/ledger_check.py" csv history.json history.csv

# ---- by mayfly history
export MAYFLY_STATE="$STATE"
"$MAYFLY" history many >table
expect_match '  out-of-memory' table
"$MAYFLY" history --json --limit 10000 --runs 1000 >all.json
"$MAYFLY" history --csv --limit 10000 --runs 1000 >all.csv
python3 "$SRC/tests/e2e/ledger_check.py" csv history.json all.csv
"$MAYFLY" history --totals --json >all_totals.json
python3 "$SRC/tests/e2e/ledger_check.py" sums all.json all_totals.json
"$MAYFLY" history --reason crash,killed --csv many >some.csv
[ "$(wc -l <some.csv)" -gt 2 ] || fail "$(cat some.csv)"
expect_status 1 "$MAYFLY" history --reason boredom
expect_match 'there is no reason boredom' err

# ---- mayflyd is killed while an instance works
fn many / >status
until_true 10 instance many id >id
runs=$(get '/v1/totals?format=csv' | awk -F, 'NR > 1 { n += $4 } END {
	print n }')
platform_end KILL
platform_start
died many lost "id=$(cat id)"
again=$(get '/v1/totals?format=csv' | awk -F, 'NR > 1 { n += $4 } END {
	print n }')
[ "$again" -ge "$runs" ] || fail "$runs requests became $again"
sums
fn many / >status
until_true 10 instance many id >id
platform_end TERM
[ "$STATUS" = 0 ] || fail "mayflyd ends with $STATUS: $(cat mayflyd.err)"
platform_start
died many drained "id=$(cat id)"
platform_end TERM

# ---- a damaged ledger is refused and left alone
cp state/ledger.db kept.db
printf 'rubbish' | dd of=state/ledger.db conv=notrunc 2>/dev/null
cp state/ledger.db damaged.db
expect_status 125 "${MAYFLY%/*}/mayflyd" --state "$STATE" \
	--listen "127.0.0.1:$GATEWAY"
expect_match 'ledger.db is damaged .*; put a backup in its place, or move' err
cmp state/ledger.db damaged.db
mv kept.db state/ledger.db
rm -f state/ledger.db-wal state/ledger.db-shm
platform_start
sums
platform_end TERM
