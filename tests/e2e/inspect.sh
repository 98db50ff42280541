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

# What takes the space: a directory of the third step with all below it, the
# others with their own files; at the end what is left.
mkdir -p add/x add/y/z/deep add/many
printf %0100000d 0 >add/y/z/deep/one
printf %0100000d 0 >add/y/z/two
echo 1234567 >add/x/small
for i in 1 2 3 4 5 6; do
	mkdir add/many/$i
	echo 12 >add/many/$i/tiny
done
"$MAYFLY" build --no-rewrite hello --add add:/add -o add.img >/dev/null
expect_status 0 "$MAYFLY" inspect add.img
sed -n '/^space$/,/^files$/p' out >space
expect_match '^ +[0-9.]+%     200000  /add/y/z$' space
expect_match " $(stat -c %s hello)  /bin\$" space
expect_match ' 8  /add/x$' space
tail -n 2 space | head -n 1 >last
expect_match '^ +0\.0% +[0-9]+  all others$' last
[ "$(sed -n 's/^ .*% *\([0-9]*\)  .*/+ \1/p' space | tr -d '\n' |
	sed 's/^+/echo $((0 +/; s/$/))/' | sh)" = \
	"$("$MAYFLY" inspect --json add.img | python3 -c '
import json, sys
print(sum(f["size"] for f in json.load(sys.stdin)["files"]
          if f["type"] == "-"))')" ] || fail "the sum is another: $(cat space)"
rm -r add add.img
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
