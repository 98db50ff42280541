# SPDX-License-Identifier: Apache-2.0
# Debian's redis-server under redis-benchmark.
# test: program Redis
# test: version redis-server --version
# test: timeout 120
. "$SRC/tests/programs/lib.sh"

cli() {
	redis-cli -p "$PORT" "$@"
}

# commands: what every kind of value answers
commands() {
	cli ping
	cli set key value
	cli append key ' and more'
	cli get key
	cli incrby counter 41
	cli incr counter
	cli rpush list a b c
	cli lrange list 0 -1
	cli sadd set x y x
	cli zadd zset 2 two 1 one 3 three
	cli zrange zset 0 -1 withscores
	cli hset hash f1 v1 f2 v2
	cli hgetall hash
	cli xadd stream 1-1 field value
	cli xrange stream - +
	cli setex gone 1 soon
	cli eval 'return redis.call("get", KEYS[1]) .. ARGV[1]' 1 key !
	cli --pipe <pipe
	cli dbsize
	cli get bulk4999
	cli config get maxclients
	cli no-such-command
	sleep 1.1
	cli exists gone
}

# bench PORT: get, set and lpush; redis-benchmark stops at the first error
bench() {
	redis-benchmark -p "$1" -t set,get,lpush -n 20000 -c 20 -q >bench.out
	redis-benchmark -p "$1" -t set,get,lpush -n 20000 -c 20 -P 16 -q \
		>>bench.out
	for test in SET GET LPUSH; do
		[ "$(tr '\r' '\n' <bench.out |
			grep -c "^$test: .*requests per second")" = 2 ] ||
			fail "redis-benchmark: $(cat bench.out)"
	done
	[ "$(redis-cli -p "$1" llen mylist)" = 40000 ] ||
		fail "mylist has $(redis-cli -p "$1" llen mylist) values"
}

awk 'BEGIN { for (i = 0; i < 5000; i++) print "SET bulk" i " value" i }' >pipe
seal /usr/bin/redis-server
part 'commands of every type, Lua, expiry; persistence off'
NPORT=$(free_port)
set -- --bind 0.0.0.0 --protected-mode no --save '' --appendonly no
serve_native redis-server --port "$NPORT" "$@"
serve_guest 6379 prog.img "$@"
both commands

part 'redis-benchmark get, set, lpush; persistence off'
bench "$GPORT"

part 'SHUTDOWN and SIGTERM end it with status 0'
redis-cli -p "$GPORT" shutdown nosave
GUEST=0
wait "$GPID" || GUEST=$?
[ "$GUEST" = 0 ] || fail "SHUTDOWN: status $GUEST: $(cat start.err)"
serve_guest 6379 prog.img "$@"
stop_both TERM

part 'append-only file on tmpfs under redis-benchmark, loaded again'
serve_guest 6379 prog.img --bind 0.0.0.0 --protected-mode no --save '' \
	--dir /tmp --appendonly yes --appendfsync everysec \
	--enable-debug-command yes
bench "$GPORT"
PORT=$GPORT cli set kept 1 >/dev/null
# Forgets everything, then reads the file.
[ "$(PORT=$GPORT cli debug loadaof)" = OK ] ||
	fail "not loaded: $(PORT=$GPORT cli debug loadaof 2>&1)"
[ "$(PORT=$GPORT cli get kept)" = 1 ] || fail "a value is lost"
[ "$(PORT=$GPORT cli llen mylist)" = 40000 ] || fail "a list is lost"

part 'BGSAVE and BGREWRITEAOF, which fork'
PORT=$GPORT cli bgsave >bgsave.out 2>&1 || true
expect_match 'ERR|error' bgsave.out
[ "$(PORT=$GPORT cli get kept)" = 1 ] || fail "BGSAVE breaks the server"
refused start.err
