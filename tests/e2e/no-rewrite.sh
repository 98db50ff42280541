# SPDX-License-Identifier: Apache-2.0
# System calls are rewritten unless the user says otherwise, and inspect tells
# what became of them.
# test: once
. "$LIB"

cp "$PROGS/signals.musl" signals
"$MAYFLY" build signals -o all.img >/dev/null
expect_status 0 "$MAYFLY" inspect --syscalls all.img
expect_match '^ +found +rewritten +left +file$' out
expect_match '^ +[0-9]+ +[1-9][0-9]* +1 +/bin/signals$' out
expect_match '__restore_rt: unwinders know its bytes$' out
expect_match ' total$' out
expect_status 0 "$MAYFLY" inspect --syscalls --json all.img
python3 - <<'PY'
import json
r = json.load(open("out"))
assert r["version"] == 1 and not r["truncated"]
assert r["found"] == r["rewritten"] + 1 and r["left"] == {"sigreturn": 1}
f, = r["files"]
assert f["path"] == "/bin/signals" and len(f["sites"]) == r["found"]
hows = {s["how"] for s in f["sites"]}
assert {"number", "before", "sigreturn"} <= hows, hows
s, = (s for s in f["sites"] if s["how"] == "sigreturn")
assert s["function"].startswith("__restore") and s["section"] == ".text", s
PY

# none IMAGE: nothing in it has been rewritten
none() {
	"$MAYFLY" inspect --syscalls "$1" >calls
	expect_match '^ +[0-9]+ +0 +[0-9]+ +/bin/signals$' calls
	expect_match ': left alone by --no-rewrite$' calls
	fsck.erofs --extract=tree "$1" >/dev/null 2>&1
	cmp tree/bin/signals signals
	rm -r tree
}
"$MAYFLY" build --no-rewrite signals -o none.img >/dev/null
none none.img
for path in / /bin /bin/ /bin/signals; do
	"$MAYFLY" build --no-rewrite="$path" signals -o path.img >/dev/null
	none path.img
done
# A path by another name is the same file.
mkdir add
ln -s bin add/sbin
"$MAYFLY" build --add add:/ --no-rewrite=/sbin/signals signals -o link.img \
	>/dev/null
none link.img
"$MAYFLY" build --no-rewrite=/etc --no-rewrite=/dev signals -o other.img \
	>/dev/null
expect_status 0 "$MAYFLY" inspect --syscalls other.img
expect_match '^ +[0-9]+ +[1-9][0-9]* +1 +/bin/signals$' out

expect_status 125 "$MAYFLY" build --no-rewrite=/lib/x signals -o bad.img
expect_match 'cannot leave /lib/x of the image as it is: No such file' err
expect_status 125 "$MAYFLY" build --no-rewrite=bin signals -o bad.img
expect_match 'bin does not begin with /' err
[ ! -e bad.img ] || fail "there is an image"

# Without its parts nothing is sealed, and the reason is said.
mkdir -p part/bin
cp "$MAYFLY" part/bin/mayfly
cp "$BUILD/bin/mayfly-monitor" part/bin/
cp "$BUILD/kernel" part/
expect_status 125 part/bin/mayfly build signals -o bad.img
expect_match 'mayfly-rewrite is missing' err
cat >part/bin/mayfly-rewrite <<'END'
#!/bin/sh
echo 'libZydis.so.4.0: cannot open shared object file' >&2
exit 127
END
chmod +x part/bin/mayfly-rewrite
expect_status 125 part/bin/mayfly build signals -o bad.img
expect_match 'install the package libzydis4.0 \(libZydis' err
printf '#!/bin/sh\nkill -KILL $$\n' >part/bin/mayfly-rewrite
expect_status 125 part/bin/mayfly build signals -o bad.img
expect_match 'mayfly-rewrite was ended by signal 9' err
[ ! -e bad.img ] || fail "there is an image"
