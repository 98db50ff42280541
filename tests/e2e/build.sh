# SPDX-License-Identifier: Apache-2.0
# Sealing: the same input gives the same digest, the image is one that others
# can read, and whatever goes wrong leaves nothing behind.
# test: once
. "$LIB"

mkdir tmp
export TMPDIR="$TMP/tmp"

# nothing_left: no image here, no stage in TMPDIR
nothing_left() {
	[ -z "$(ls "$TMPDIR")" ] || fail "$1 left $(ls "$TMPDIR") in TMPDIR"
	for f in *.img *.img.*; do
		[ ! -e "$f" ] || fail "$1 left $f"
	done
}

cp "$PROGS/hello.musl" hello
expect_status 0 "$MAYFLY" build ./hello
expect_match '^sha256:[0-9a-f]{64}  hello\.img  [0-9]+ bytes$' out
first=$(cut -d ' ' -f 1 out)
mkdir sub
cp hello sub/hello
touch -d '2001-02-03 04:05:06' sub/hello
(cd sub && umask 077 && "$MAYFLY" build -o ../b.img hello) >out
[ "$(cut -d ' ' -f 1 out)" = "$first" ] || fail "two digests of one program"
cmp hello.img b.img

# The digest is that of the file system, and the file system is EROFS.
size=$(stat -c %s hello.img)
[ "$size" -le 409600 ] || fail "the image has $size bytes"
head -c $((size - 4096)) hello.img >fs
[ "sha256:$(sha256sum fs | cut -d ' ' -f 1)" = "$first" ] ||
	fail "the digest is not that of the file system"
fsck.erofs hello.img >/dev/null
dump.erofs --path=/bin/hello -e hello.img >dump
expect_match 'bin/hello: 1 extents found' dump
rm -f ./*.img fs

# An existing image is replaced, or left alone if sealing fails.
echo old >c.img
expect_status 0 "$MAYFLY" build --output=c.img hello
"$MAYFLY" inspect c.img >/dev/null
cp c.img keep
expect_status 126 "$MAYFLY" build -o c.img "$SRC/tests/README.md"
cmp c.img keep
rm c.img keep
nothing_left 'a success'

expect_status 127 "$MAYFLY" build none
expect_match 'cannot open none: No such file' err
expect_status 125 "$MAYFLY" build -o none/x.img hello
expect_match 'cannot write none/x.img' err
expect_status 125 env PATH=/nowhere "$MAYFLY" build hello
expect_match 'mkfs.erofs is not installed; install the package erofs-utils' err
nothing_left 'a missing mkfs.erofs'

# No room: a limit on file sizes stands for a full disk.
(
	ulimit -f 64
	expect_status 125 "$MAYFLY" build hello
)
nothing_left 'a write that failed'

# A signal while a large program is being sealed.
cp hello large
truncate -s 150M large
"$MAYFLY" build large 2>err &
PID=$!
while [ -z "$(ls "$TMPDIR")" ]; do
	kill -0 $PID || fail "ended early: $(cat err)"
done
kill -TERM $PID
got=0
wait $PID || got=$?
[ "$got" = 143 ] || fail "SIGTERM while sealing: status $got"
nothing_left 'SIGTERM'
