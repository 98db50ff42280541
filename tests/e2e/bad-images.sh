# SPDX-License-Identifier: Apache-2.0
# Damaged images are found, also after they were verified once, and images
# of other versions are called so.
. "$LIB"

export XDG_CACHE_HOME="$TMP/cache"
"$MAYFLY" build "$PROGS/exit-codes.musl" -o good.img >/dev/null
size=$(stat -c %s good.img)
expect_status 7 run good.img 7
expect_status 7 run good.img 7

# refused REGEX FILE
refused() {
	expect_status 125 run "$2" 7
	expect_match "^mayfly: .*$1" err
	[ ! -s out ] || fail "output: $(cat out)"
}

for cut in 1 4095 4096 8192 $((size / 2)); do
	head -c $((size - cut)) good.img >bad.img
	refused 'truncated|damaged' bad.img
done

# The file that was verified is changed in place; later it is whole again.
for at in 1100 5000 $((size / 2)) $((size - 5000)) $((size - 4096)) \
	$((size - 4080)) $((size - 4060)) $((size - 1)); do
	python3 - "$at" <<'PY'
import sys
with open("good.img", "r+b") as f:
    f.seek(int(sys.argv[1]))
    b = f.read(1)[0] ^ 4
    f.seek(int(sys.argv[1]))
    f.write(bytes([b]))
PY
	expect_status 125 run good.img 7
	python3 - "$at" <<'PY'
import sys
with open("good.img", "r+b") as f:
    f.seek(int(sys.argv[1]))
    b = f.read(1)[0] ^ 4
    f.seek(int(sys.argv[1]))
    f.write(bytes([b]))
PY
	expect_status 7 run good.img 7
done

# forge FROM TO: bad.img is good.img with one string replaced by another of
# the same length, under a right digest
forge() {
	python3 - "$1" "$2" <<'PY'
import hashlib
import sys
old, new = (s.encode() for s in sys.argv[1:])
data = open("good.img", "rb").read()
body, trailer = data[:-4096], bytearray(data[-4096:])
assert len(old) == len(new) and body.count(old) == 1
body = body.replace(old, new)
trailer[24:56] = hashlib.sha256(body).digest()
open("bad.img", "wb").write(body + trailer)
PY
}

forge '"version": 2' '"version": 9'
refused 'manifest has version 9, this mayfly knows version 2' bad.img
abi=$(grep -ao '"abi": [0-9]' good.img)
forge "$abi" '"abi": 9'
refused "kernel of contract 9, this mayfly speaks ${abi#*: }" bad.img
forge '"version": 2' '"vErsion": 2'
refused 'manifest has no version' bad.img
forge '"cwd": "/"' '"cwd": "x"'
refused 'absolute' bad.img
forge '"program": "/bin/exit-codes.musl"' '"program": "/bin/nope-codes.musl"'
expect_status 125 run bad.img 7
expect_match '^mayfly: ' err

python3 - <<'PY'
data = bytearray(open("good.img", "rb").read())
data[-4096 + 8] = 2
open("bad.img", "wb").write(data)
PY
refused 'format version 2, this mayfly knows version 1' bad.img
expect_status 7 run good.img 7
