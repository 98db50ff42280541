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

# A signal while such an image is made leaves nothing of it either. (With
# sanitizers: a signal while LeakSanitizer stops its process hangs it.)
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
for delay in 0.005 0.01 0.02 0.03 0.04 0.06; do
	XDG_CACHE_HOME=/dev/null/x timeout -s INT $delay "$MAYFLY" run \
		--substrate "$SUBSTRATE" prog </dev/null >out 2>err || true
	[ -z "$(ls tmp)" ] || fail "left in TMPDIR: $(ls tmp)"
done

# The disk of the cache is full: said, and no obstacle.
if unshare -rm true 2>/dev/null; then
	mkdir small
	cat >full.sh <<'SH'
mount -t tmpfs -o size=200k none small
XDG_CACHE_HOME="$TMP/small" "$MAYFLY" run --substrate process prog </dev/null
echo "status $?"
"$MAYFLY" build prog -o small/prog.img
echo "status $?"
find small -type f
SH
	expect_status 0 env MAYFLY="$MAYFLY" TMP="$TMP" unshare -rm sh full.sh
	[ "$(grep ^status out | tr '\n' ' ')" = 'status 3 status 125 ' ] ||
		fail "a full disk: $(cat out err)"
	! grep '\.img' out || fail 'left on the full disk'
	expect_match 'cannot use the cache: No space left' err
	expect_match 'the disk of .*prog.img.* is full' err
fi
