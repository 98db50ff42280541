# SPDX-License-Identifier: Apache-2.0
# Memory, cpu share and time of an instance end where its function's spec says.
# test: timeout 120
. "$LIB"
. "$SRC/tests/platform.sh"

# Ticks of cpu of all processes in a cgroup.
ticks_in() {
	total=0
	while read -r p; do
		t=$(sed 's/.*) //' "/proc/$p/stat" | awk '{ print $12 + $13 }')
		total=$((total + t))
	done <"$1/cgroup.procs"
	echo "$total"
}

musl-gcc -static -O2 -o server "$SRC/tests/platform_server.c"
expect_status 0 "$MAYFLY" build ./server -o server.img
platform_start

# A fifth of a CPU, however busy it is.
deploy busy server.img \
	'{"isolation":"reuse","cpu_milli":200,"memory_bytes":67108864}'
[ "$(fn busy /)" = 200 ] || fail "no answer: $(cat body)"
pid=$(instance_pid busy)
if grep -q 'only memory and time are limited' mayflyd.err; then
	echo "no cgroups here: $(cat mayflyd.err)"
else
	cpu=$(group_with "$pid" cpu.max)
	if [ -n "$cpu" ]; then
		expect_match '^20000 100000$' "$cpu/cpu.max"
	else
		cpu=$(group_with "$pid" cpu.cfs_quota_us)
		expect_match '^20000$' "$cpu/cpu.cfs_quota_us"
		expect_match '^100000$' "$cpu/cpu.cfs_period_us"
	fi
	wall=$(((64 + 64 / 8 + 64) << 20))
	for file in memory.max memory.limit_in_bytes; do
		memory=$(group_with "$pid" $file)
		[ -z "$memory" ] || expect_match "^$wall\$" "$memory/$file"
	done
	expect_match '^16$' "$(group_with "$pid" pids.max)/pids.max"

	[ "$(fn busy /spin)" = 200 ] || fail "no answer: $(cat body)"
	before=$(ticks_in "$cpu")
	began=$(cut -d ' ' -f 1 /proc/uptime)
	sleep 3
	after=$(ticks_in "$cpu")
	ended=$(cut -d ' ' -f 1 /proc/uptime)
	# Of every 100 ms 20, and one period more than was looked at.
	awk -v t=$((after - before)) -v hz="$(getconf CLK_TCK)" \
		-v s="$(echo "$ended $began" | awk '{ print $1 - $2 }')" '
		BEGIN {
			print t / hz " s of cpu in " s " s"
			exit !(t > 0 && t / hz <= 0.2 * (s + 0.1) + 0.1)
		}' || fail 'more than its share, or nothing'
fi

# More memory than it has: it alone ends, and the next request finds another.
deploy greedy server.img '{"isolation":"reuse","memory_bytes":33554432}'
[ "$(fn greedy /eat)" = 200 ] || fail "no answer: $(cat body)"
end_told() {
	[ "$(api GET '/v1/history?function=greedy')" = 200 ] &&
		grep -q '"out-of-memory"' body
}
until_true 20 end_told
[ "$(fn greedy /)" = 200 ] || fail "no answer afterwards: $(cat body)"

# More time than it has.
deploy late server.img '{"memory_bytes":33554432,"total_ms":1000}'
[ "$(fn late /wait)" = 504 ] || fail "not ended: $(cat body)"
[ "$(fn late /)" = 200 ] || fail "no answer afterwards: $(cat body)"
kill -0 "$DAEMON" || fail "the platform is gone: $(cat mayflyd.err)"
