# SPDX-License-Identifier: Apache-2.0
# Metrics are OpenMetrics, count what was done, and count everything once.
# test: timeout 120
. "$LIB"
. "$SRC/tests/platform.sh"

metrics() {
	curl -sS -D metrics.head --unix-socket "$STATE/api.sock" \
		http://localhost/metrics >metrics.txt
	python3 "$SRC/tests/openmetrics_check.py" metrics.txt
}

value_now() {
	metrics
	grep -qxF "$1 $2" metrics.txt
}

# value SAMPLE NUMBER: a sample has that value, by and by
value() {
	until_true 10 value_now "$@"
}

platform_start
metrics
expect_match '^[Cc]ontent-[Tt]ype: application/openmetrics-text; version=1' \
	metrics.head
value mayfly_functions 0
server_deploy served '{}'
server_deploy reused '{"isolation": "reuse"}'
value mayfly_functions 2
for i in 1 2 3 4 5; do
	[ "$(fn served /)" = 200 ] || fail "$i: $(cat body)"
	[ "$(fn reused /)" = 200 ] || fail "$i: $(cat body)"
done
[ "$(fn served /crash)" = 502 ] || fail "$(cat body)"
[ "$(fn nobody /)" = 404 ] || fail "$(cat body)"

value 'mayfly_requests_total{function="served",class="2xx"}' 5
value 'mayfly_requests_total{function="served",class="5xx"}' 1
value 'mayfly_requests_total{function="reused",class="2xx"}' 5
value 'mayfly_requests_total{function="",class="4xx"}' 1
value 'mayfly_request_duration_seconds_count{function="served"}' 6
value 'mayfly_instance_deaths_total{function="served",reason="crash"}' 1
value 'mayfly_instances{function="reused",state="ready"}' 1
value mayfly_requests_in_flight 0
value mayfly_client_connections 0
value mayfly_ledger_records_dropped_total 0
expect_match 'mayfly_start_duration_seconds_count.*phase="boot"\} [1-9]' \
	metrics.txt
expect_match '^process_resident_memory_bytes [1-9]' metrics.txt

# What counts the same agrees: ledger and metrics.
get '/v1/totals?function=served' >totals.json
deaths=$(python3 -c 'import json
print(sum(json.load(open("totals.json"))["totals"][0]["deaths"].values()))')
metrics
counted=$(sed -n 's/^mayfly_instance_deaths_total{function="served".* //p' \
	metrics.txt | awk '{ n += $1 } END { print n }')
[ "$deaths" -le "$counted" ] || fail "$deaths deaths, $counted counted"

# They go with the function.
[ "$(api DELETE /v1/functions/served)" = 204 ] || fail "rm: $(cat body)"
value mayfly_functions 1
forgotten() {
	metrics
	! grep -q 'function="served"' metrics.txt
}
until_true 10 forgotten
platform_end TERM
