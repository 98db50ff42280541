# SPDX-License-Identifier: Apache-2.0
# Under load (wrk): every request is answered well, by a machine of its own or
# by a few that are shared, and the ledger has every one of them.
# test: timeout 90
# test: no-san
. "$LIB"
. "$SRC/tests/platform.sh"

make -s -C "$SRC/examples/hello-c" OUT="$PWD" >/dev/null
expect_status 0 "$MAYFLY" build ./hello-c -o hello.img
platform_start
deploy fresh hello.img '{"max_instances":8}'
deploy shared hello.img \
	'{"isolation":"reuse","concurrency":1,"max_instances":4}'

# load FUNCTION CONNECTIONS: no answer but 200; prints how many there were
load() {
	wrk -t1 -c"$2" -d2s "$URL/fn/$1/" >wrk.out
	if grep -E 'Non-2xx|Socket errors' wrk.out >&2; then
		fail "$1 with $2 connections: $(cat wrk.out)"
	fi
	sed -n 's/^ *\([0-9]*\) requests in .*/\1/p' wrk.out
}
all=0
for way in 'fresh 1' 'fresh 16' 'shared 16' 'shared 64'; do
	# shellcheck disable=SC2086
	n=$(load $way)
	[ "$n" -gt 100 ] || fail "$way: only $n answers"
	all=$((all + n))
done

# What wrk hung up on at its end is in the ledger as well.
api GET '/v1/totals' >/dev/null
counted=$(python3 -c 'import json
print(sum(t["invocations"] for t in json.load(open("body"))["totals"]))')
[ "$counted" -ge "$all" ] && [ "$counted" -le $((all + 200)) ] ||
	fail "wrk has $all answers, the ledger $counted requests"
grep -q '"status":5' "$STATE/access.log" && fail 'some were refused'
true
