# SPDX-License-Identifier: Apache-2.0
# What inspect says agrees with what was sealed.
# test: once
. "$LIB"

cp "$PROGS/hello.musl" hello
"$MAYFLY" build --no-rewrite hello >digest
expect_status 0 "$MAYFLY" inspect hello.img
expect_match "^digest +$(cut -d ' ' -f 1 digest)\$" out
expect_match '^program +/bin/hello$' out
expect_match " $(stat -c %s hello)  /bin/hello\$" out
expect_match '/\.mayfly/kernel$' out
expect_status 0 "$MAYFLY" inspect --json hello.img
python3 - "$(cut -d ' ' -f 1 digest)" "$(stat -c %s hello)" <<'PY'
import json
import sys
s = json.load(open("out"))
assert s["digest"] == sys.argv[1]
assert s["size"] == s["erofs_size"] + 4096
m = s["manifest"]
assert m["version"] == 2 and m["program"] == "/bin/hello"
assert m["memory"] >= 1 << 20
files = {f["path"]: f for f in s["files"]}
assert files["/bin/hello"]["size"] == int(sys.argv[2])
assert files["/bin/hello"]["mode"] == "0755"
assert files["/tmp"]["type"] == "d" and files["/tmp"]["mode"] == "1777"
assert files["/.mayfly/kernel"]["size"] == s["kernel_size"]
PY

printf x | dd of=hello.img bs=1 seek=6000 conv=notrunc 2>/dev/null
expect_status 125 "$MAYFLY" inspect hello.img
expect_match 'damaged: its content does not match its digest' err
expect_status 127 "$MAYFLY" inspect none.img
expect_status 125 "$MAYFLY" inspect hello
