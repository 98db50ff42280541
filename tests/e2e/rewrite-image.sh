# SPDX-License-Identifier: Apache-2.0
# In an image of a real program, what the report names has been rewritten and
# is right (tests/rewrite_check.py); every other file is the original, to the
# byte, and the same as in an image without rewriting.
# test: once
# test: no-san
# test: timeout 120
. "$LIB"

seal() {
	"$MAYFLY" build "$@" /usr/sbin/nginx --add /etc/nginx >/dev/null
}
seal -o with.img
seal --no-rewrite -o without.img
fsck.erofs --extract=with with.img >/dev/null 2>&1
fsck.erofs --extract=without without.img >/dev/null 2>&1
"$MAYFLY" inspect --syscalls --json with.img >report

# The files that differ are those with rewritten calls, and the report.
python3 - >rewritten <<'PY'
import json
for f in json.load(open("report"))["files"]:
    if f["rewritten"]:
        print(f["path"])
PY
(
	cat rewritten
	echo /.mayfly/rewrite.json
) | sort >expected
diff -rq --no-dereference with without |
	sed -n 's,^Files with\(/.*\) and without/.* differ$,\1,p' |
	sort >differ
diff expected differ
diff -rq --no-dereference with without | grep -v '^Files .* differ$' &&
	fail "the images do not have the same files"
expect_match '/libc.so.6$' rewritten
expect_match '/ld-linux-x86-64.so.2$' rewritten

# What was not rewritten is what this machine has.
(cd without && find . -type f ! -path './.mayfly/*') >files
count=0
while read -r f; do
	f=${f#.}
	[ -f "$f" ] || continue
	case $f in
	/etc/hosts | /etc/nsswitch.conf | /etc/passwd | /etc/group) continue ;;
	esac
	cmp "$f" "without$f"
	count=$((count + 1))
done <files
[ "$count" -gt 20 ] || fail "only $count files were compared"

while read -r f; do
	python3 "$SRC/tests/rewrite_check.py" "without$f" "with$f" report \
		"$f" >out || fail "$f: $(cat out)"
	cat out
done <rewritten
