# SPDX-License-Identifier: Apache-2.0
# What rewriting makes of real programs and libraries, taken apart by another
# disassembler (tests/rewrite_check.py).
# test: once
# test: timeout 240
. "$LIB"

mkdir before
cp /lib/x86_64-linux-gnu/libc.so.6 before/libc.so
cp /lib64/ld-linux-x86-64.so.2 before/ld.so
cp /usr/lib/x86_64-linux-musl/libc.so before/musl.so
cp "$(command -v busybox)" before/busybox
for p in hello.musl hello.glibc hello.glibc-pie hello-c.make hello-go.make \
	go-work.go hello-rust.make threads-c.make; do
	cp "$PROGS/$p" before/
done
cp "$BUILD/tests/abi/moved.musl" before/moved
# Nothing to do in these: they stay as they are.
cp /lib/x86_64-linux-gnu/libm.so.6 before/libm.so
cp "$(command -v gcc)" before/other

# How many calls there are at least, and of those, left alone at most.
expected="libc.so:500:1 ld.so:40:1 musl.so:450:1 busybox:200:1 hello.musl:15:0
hello.glibc:90:1 hello.glibc-pie:90:1 hello-c.make:20:1 hello-go.make:40:1
go-work.go:40:1 hello-rust.make:150:1 threads-c.make:120:1 moved:80:1"

cp -R before after
"$BUILD/bin/mayfly-rewrite" after >report
cmp before/libm.so after/libm.so
cmp before/other after/other
for e in $expected; do
	name=${e%%:*}
	python3 "$SRC/tests/rewrite_check.py" "before/$name" "after/$name" \
		report "/$name" >out || fail "$name: $(cat out)"
	cat out
	found=$(sed 's/.*: \([0-9]*\) found.*/\1/' out)
	left=$(sed 's/.* \([0-9]*\) left/\1/' out)
	least=${e#*:}
	[ "$found" -ge "${least%:*}" ] || fail "$name: only $found found"
	[ "$left" -le "${e##*:}" ] || fail "$name: $left left"
done

# tests/abi/moved.c has a call for each kind of window.
python3 - <<'PY'
import json
files = {f["path"]: f for f in json.load(open("report"))["files"]}
how = {s["function"].split("+")[0]: s["how"]
       for s in files["/moved"]["sites"] if s["function"].startswith("asm_")}
assert how == {"asm_before": "before", "asm_after": "after",
               "asm_number": "number", "asm_jump": "after"}, how
PY

# The same input gives the same bytes; what is rewritten stays as it is.
cp -R before again
"$BUILD/bin/mayfly-rewrite" again >report2
cmp report report2
for f in after/*; do
	cmp "$f" "again/${f#after/}"
done
"$BUILD/bin/mayfly-rewrite" again >report3
expect_match '"why": "it has been rewritten before"' report3
for f in after/*; do
	cmp "$f" "again/${f#after/}"
done

# Tools can still read them.
for f in libc.so ld.so musl.so hello-go.make; do
	readelf -aW "after/$f" >/dev/null 2>warnings
	[ ! -s warnings ] || fail "$f: $(head -n 3 warnings)"
done
objdump -d after/libc.so --section=.mayfly.stubs >stubs
expect_match 'movabs +\$0x707f00100040,%r11' stubs

# A file that is named twice is rewritten once; links are not followed; a file
# that may not be written is.
mkdir tree
cp before/hello.musl tree/a
chmod 555 tree/a
ln tree/a tree/b
ln -s ../before/hello.musl tree/c
cp before/hello.musl untouched
"$BUILD/bin/mayfly-rewrite" tree >report4
cmp tree/a after/hello.musl
cmp before/hello.musl untouched
[ "$(stat -c %a tree/a)" = 555 ] || fail "the mode has changed"
[ "$(grep -c '"path"' report4)" = 1 ] || fail "one file, $(cat report4)"

expect_status 2 "$BUILD/bin/mayfly-rewrite"
expect_match '^usage: ' err
expect_status 1 "$BUILD/bin/mayfly-rewrite" none
expect_match '^cannot read none: No such file' err
