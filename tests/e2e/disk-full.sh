# SPDX-License-Identifier: Apache-2.0
# No room, at every point of sealing: one sentence says so, the status is
# mayfly's own, and nothing half-written remains.
# test: once
# test: timeout 60
. "$LIB"

mkdir tmp b src
export TMPDIR="$TMP/tmp" XDG_CACHE_HOME="$TMP/cache" MAYFLY_BUILDERS="$TMP/b"

nothing_left() {
	[ -z "$(ls "$TMPDIR")" ] || fail "$1 left $(ls "$TMPDIR") in TMPDIR"
	for f in hello.img*; do
		[ ! -e "$f" ] || fail "$1 left $f"
	done
}

# A limit on the size of files stands for a full disk: from one that the copy
# of the program meets to one that the last bytes of the image meet.
cp "$PROGS/hello.musl" hello
expect_status 0 "$MAYFLY" build hello
size=$(stat -c %s hello.img)
rm hello.img
for blocks in 1 16 64 $((size / 1024)) $(((size - 8192) / 512)) \
	$(((size - 4096) / 512)) $(((size - 512) / 512)); do
	(
		ulimit -f "$blocks"
		expect_status 125 "$MAYFLY" build hello
	)
	[ "$(grep -c '^mayfly: ' err)" = 1 ] || fail "said: $(cat err)"
	nothing_left "a limit of $blocks blocks"
done
(
	ulimit -f $((size / 512))
	expect_status 0 "$MAYFLY" build hello
)
rm hello.img

# An older image stays as it was.
echo old >hello.img
(
	ulimit -f 64
	expect_status 125 "$MAYFLY" build hello
)
[ "$(cat hello.img)" = old ] || fail 'the older image is damaged'
[ "$(ls -d hello.img*)" = hello.img ] || fail "left: $(ls -d hello.img*)"
rm hello.img

# A disk that is really full: of the image, of the tree, of a builder, of the
# cache.
unshare -rm true 2>/dev/null || exit 0
mkdir small b/fills
printf '#!/bin/sh\n[ -d "$1" ] && echo a directory\n' >b/fills/detect
cat >b/fills/build <<'SH'
#!/bin/sh -eu
mkdir "$2/rootfs"
cp /bin/busybox "$2/rootfs/busybox"
echo '{"args": ["/busybox"]}' >"$2/config.json"
SH
chmod +x b/fills/*
cat >full.sh <<'SH'
set -eu
. "$LIB"
cd "$TMP"
mount -t tmpfs -o size=200k none small
# empty WHAT: nothing is there but what was
empty() {
	[ -z "$(find small -mindepth 1)" ] ||
		fail "$1 left $(find small -mindepth 1)"
	[ -z "$(ls tmp)" ] || fail "$1 left $(ls tmp)"
}
expect_status 125 "$MAYFLY" build hello -o small/hello.img
expect_match '^mayfly: cannot write the image: the disk of .* is full$' err
empty 'the disk of the image'
expect_status 125 env TMPDIR="$TMP/small" "$MAYFLY" build hello
expect_match '^mayfly: cannot put .* into the image: No space left' err
empty 'the disk of the tree'
[ ! -e hello.img ] || fail 'an image all the same'
expect_status 1 env TMPDIR="$TMP/small" "$MAYFLY" build src
expect_match 'No space left on device' err
expect_match '^mayfly: the builder fills failed with status 1; nothing was' err
empty 'a builder'
[ ! -e src.img ] || fail 'an image all the same'
expect_status 125 env TMPDIR="$TMP/small" "$MAYFLY" build hello \
	--add /bin/busybox
expect_match 'cannot put .* into the image: No space left' err
empty 'what was added'
expect_status 125 env TMPDIR="$TMP/small" XDG_CACHE_HOME="$TMP/small" \
	"$MAYFLY" run --substrate process hello
expect_match 'No space left' err
[ -z "$(find small -type f)" ] || fail "left: $(find small -type f)"
SH
env TMP="$TMP" LIB="$LIB" MAYFLY="$MAYFLY" unshare -rm sh -eu full.sh
