# SPDX-License-Identifier: Apache-2.0
# Files cannot grow any more, as on a full disk: functions answer on, mayflyd
# says so once, and when there is room again the ledger has missed nothing.
# test: timeout 120
. "$LIB"
. "$SRC/tests/platform.sh"

metric() {
	get /metrics | sed -n "s/^$1 //p"
}

is() {
	[ "$(metric "$1")" = "$2" ]
}

# ask N: so many requests, all answered
ask() {
	n=0
	while [ "$n" -lt "$1" ]; do
		[ "$(fn f '/say?line')" = 200 ] || fail "$n: $(cat body)"
		n=$((n + 1))
	done
}

# known N: the ledger has so many requests of http
known() {
	get '/v1/history?limit=10000&runs=1000' >history.json
	[ "$(grep -o '"trigger":"http","arrived' history.json | wc -l)" = "$1" ]
}

platform_start
server_deploy f '{"isolation": "reuse"}'
ask 20
until_true 10 known 20
size=$(stat -c %s state/access.log)
prlimit --pid "$DAEMON" --fsize="$size":unlimited
ask 120
until_true 10 is mayfly_ledger_failing 1
[ "$(metric mayfly_log_lines_unwritten_total)" -gt 100 ] || fail written
[ "$(stat -c %s state/access.log)" -le "$size" ] || fail 'it has grown'

# The answer comes while the image is being sent, and says why.
head -c 20000000 /dev/urandom >big
expect_status 0 "$MAYFLY" build /bin/busybox --add big:/big -o big.img -- cat
MAYFLY_STATE=$STATE expect_status 1 "$MAYFLY" deploy --mode stdio big.img
expect_match 'the image cannot be kept: .*(File too large|No space)' err
[ ! -s out ] || fail "a URL of nothing: $(cat out)"
# What is known is told all the same.
get '/v1/history?runs=1' >history.json || fail "$(cat history.json)"
prlimit --pid "$DAEMON" --fsize=unlimited:unlimited
ask 1
until_true 10 is mayfly_ledger_failing 0
until_true 10 known 141
is mayfly_ledger_records_dropped_total 0 || fail 'records were dropped'
for said in 'the ledger cannot be written .*make room' \
	'the ledger is written again' 'logs cannot be written .*make room' \
	'logs are written again'; do
	[ "$(grep -c "$said" mayflyd.err)" = 1 ] ||
		fail "not once: $said: $(cat mayflyd.err)"
done
tail -n 1 state/access.log | python3 -m json.tool >/dev/null ||
	fail 'half a line in the access log'
platform_end TERM
[ "$STATUS" = 0 ] || fail "mayflyd ends with $STATUS"
