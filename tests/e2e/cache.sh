# SPDX-License-Identifier: Apache-2.0
# A program is sealed once, again when it changed, and starts also where
# nothing can be kept.
. "$LIB"

export XDG_CACHE_HOME="$TMP/cache"
sealed() {
	find cache/mayfly/sealed -type f | wc -l
}

cp "$PROGS/hello.musl" prog
expect_status 3 run prog </dev/null
[ "$(sealed)" = 1 ] || fail "sealed $(sealed) images, want 1"
before=$(find cache -name '*.img' -exec stat -c '%i %Z' {} +)
expect_status 3 run ./prog </dev/null
[ "$(find cache -name '*.img' -exec stat -c '%i %Z' {} +)" = "$before" ] ||
	fail 'the second start sealed again'

# Changed in place at once: the new program runs.
cat "$PROGS/exit-codes.musl" >prog
expect_status 9 run prog 9
cat "$PROGS/hello.musl" >prog
expect_status 3 run prog </dev/null
expect_match '^hello, world' out

# Another name is another program, for it sees its own.
ln prog other
expect_status 3 run other </dev/null

# A damaged image in the cache is made anew.
for f in cache/mayfly/sealed/*; do
	printf x | dd of="$f" bs=1 seek=5000 conv=notrunc 2>/dev/null
done
expect_status 3 run prog </dev/null
expect_status 3 run other </dev/null

# Several first starts at once.
rm -rf cache
pids=
for i in 1 2 3 4 5; do
	run prog </dev/null >"out.$i" 2>"err.$i" &
	pids="$pids $!"
done
for p in $pids; do
	got=0
	wait "$p" || got=$?
	[ "$got" = 3 ] || fail "a first start beside others: status $got"
done
[ "$(sealed)" = 1 ] || fail "left: $(ls cache/mayfly/sealed)"

# No cache, and the reason is said.
mkdir tmp
export TMPDIR="$TMP/tmp"
expect_status 3 env XDG_CACHE_HOME=/dev/null/x "$MAYFLY" run --substrate \
	"$SUBSTRATE" prog </dev/null
expect_match 'cannot use the cache: .*sealed anew' err
expect_match '^hello, world' out
expect_status 3 env -u XDG_CACHE_HOME -u HOME "$MAYFLY" run --substrate \
	"$SUBSTRATE" prog </dev/null
expect_match 'cannot use the cache' err
[ -z "$(ls tmp)" ] || fail "left in TMPDIR: $(ls tmp)"
