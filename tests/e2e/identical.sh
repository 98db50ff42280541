# SPDX-License-Identifier: Apache-2.0
# Sealing changes no file but those whose system calls it rewrites: whatever
# else was given or copied is in the image bit by bit.
# test: once
# test: timeout 60
. "$LIB"

mkdir b b/tree src
export MAYFLY_BUILDERS="$TMP/b"
printf '#!/bin/sh\nfalse\n' >b/tree/detect
cat >b/tree/build <<SH
#!/bin/sh -eu
cp -a "$TMP/tree" "\$2/rootfs"
echo '{"args": ["/bin/prog"], "libraries": true}' >"\$2/config.json"
SH
chmod +x b/tree/*

# Files of all sizes about a block, holes, odd names, and what looks like a
# program: damaged, for another machine, of an object, of an archive.
mkdir -p tree/bin tree/data 'tree/data/a b' tree/lib
for n in 0 1 4095 4096 4097 70000; do
	openssl enc -aes-128-ctr -nosalt -K 0123456789abcdef0123456789abcdef \
		-iv $n </dev/zero 2>/dev/null | head -c $n >tree/data/$n
done
truncate -s 300000 tree/data/hole
echo x >>tree/data/hole
echo odd >'tree/data/a b/c
d'
printf 'latin \351' >"$(printf 'tree/data/\351')"
cp /bin/true tree/bin/prog
strip tree/bin/prog
echo 'int f(long n); int f(long n)
{ __asm__ volatile("syscall" : "+a"(n) : : "rcx", "r11", "memory");
return (int)n; }' >f.c
gcc -c -g -o tree/lib/f.o f.c
ar rc tree/lib/f.a tree/lib/f.o
gcc -shared -fPIC -o tree/lib/f.so f.c
head -c 2000 tree/lib/f.so >tree/lib/cut.so
cp tree/lib/f.so tree/lib/arm.so
printf '\267\000' | dd of=tree/lib/arm.so bs=1 seek=18 conv=notrunc 2>dd.err
printf '\177ELF' >tree/lib/tiny
gzip -nc f.c >tree/data/f.gz
cp "$(command -v busybox)" tree/bin/

# check EXPECTED-CHANGED...: the image t.img against tree and this machine
check() {
	expect_status 0 "$MAYFLY" build --builder tree src -o t.img "$no"
	rm -rf seen
	fsck.erofs --extract=seen t.img >fsck.out 2>&1 || fail "$(cat fsck.out)"
	"$MAYFLY" inspect --json --syscalls t.img >report
	python3 - "$@" <<'PY'
import json
import os
import sys
changed = {f["path"] for f in json.load(open("report"))["files"]
           if f["rewritten"]}
wrong = [p for p in sys.argv[1:] if p not in changed]
seen = checked = 0
for d, _, names in os.walk(b"seen"):
    for name in names:
        path = os.path.join(d, name)
        at = path[len(b"seen"):]
        if os.path.islink(path) or at.startswith(b"/.mayfly/"):
            continue
        given = b"tree" + at
        if not os.path.exists(given):
            given = os.path.realpath(at)
        if not os.path.exists(given) or at.startswith(b"/etc/"):
            continue
        checked += 1
        same = open(path, "rb").read() == open(given, "rb").read()
        if same == (at.decode(errors="replace") in changed):
            wrong.append(at)
total = sum(len(f) for _, _, f in os.walk(b"tree"))
if wrong or checked <= total:
    sys.exit(f"{wrong}, {checked} of {total}, changed: {changed}")
PY
}

no=--verbose
check /bin/busybox /lib/f.so /lib/x86_64-linux-gnu/libc.so.6
no=--no-rewrite
check
