# SPDX-License-Identifier: Apache-2.0
# Files that cannot be run: a sentence, status 126 or 127, nothing left.
# test: once
. "$LIB"

mkdir tmp
export TMPDIR="$TMP/tmp" XDG_CACHE_HOME="$TMP/cache"

# refused STATUS REGEX FILE
refused() {
	expect_status "$1" "$MAYFLY" run --substrate process "$3"
	expect_match "^mayfly: .*$2" err
	[ "$(wc -l <err)" = 1 ] || fail "more than one line: $(cat err)"
	[ ! -s out ] || fail "output: $(cat out)"
	[ "$1" = 125 ] || expect_status "$1" "$MAYFLY" build "$3" -o x.img
	[ ! -e x.img ] || fail "build left an image of $3"
}

refused 127 'none: No such file' none
refused 127 'No such file' ''
refused 126 'not a regular file|neither' /dev/null
: >empty
refused 126 'empty|neither' empty
echo 'just text' >text
refused 126 'neither an ELF program nor a mayfly image' text
mkdir empty.d
refused 126 'neither an ELF program nor a mayfly image' empty.d

cp "$PROGS/hello.musl" prog
printf '\267\000' | dd of=prog bs=1 seek=18 conv=notrunc 2>/dev/null
refused 126 'built for ARM 64-bit \(aarch64\); mayfly runs .* x86-64' prog
cp "$PROGS/hello.musl" prog
printf '\001' | dd of=prog bs=1 seek=4 conv=notrunc 2>/dev/null
printf '\003\000' | dd of=prog bs=1 seek=18 conv=notrunc 2>/dev/null
refused 126 'built for x86 32-bit' prog
cp "$PROGS/hello.musl" prog
printf '\001\000' | dd of=prog bs=1 seek=16 conv=notrunc 2>/dev/null
refused 126 'object file' prog

for cut in 5 63 100 1000 8000; do
	head -c $cut "$PROGS/hello.musl" >prog
	refused 126 'truncated' prog
done

[ -z "$(ls "$TMPDIR")" ] || fail "left in TMPDIR: $(ls "$TMPDIR")"
if [ -d cache/mayfly/sealed ]; then
	[ -z "$(ls cache/mayfly/sealed)" ] || fail "left in the cache"
fi
