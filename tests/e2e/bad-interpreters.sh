# SPDX-License-Identifier: Apache-2.0
# A program that wants an interpreter which is missing or cannot be used is
# not started, and the reason names both.
. "$LIB"

export XDG_CACHE_HOME="$TMP/cache"
"$MAYFLY" build --no-rewrite "$PROGS/exit-codes.musl" -o good.img >/dev/null

# interp PATH: bad.img is good.img, whose program wants the interpreter PATH.
# PT_GNU_STACK becomes PT_INTERP; the path overwrites the end of the file,
# where no segment is.
interp() {
	python3 - "$PROGS/exit-codes.musl" "$1" <<'PY'
import hashlib
import struct
import sys
prog = open(sys.argv[1], "rb").read()
path = sys.argv[2].encode() + b"\0"
image = open("good.img", "rb").read()
body, trailer = bytearray(image[:-4096]), bytearray(image[-4096:])
at = body.index(prog)
phoff, = struct.unpack_from("<Q", prog, 32)
phnum, = struct.unpack_from("<H", prog, 56)
for i in range(phnum):
    ph = at + phoff + 56 * i
    if struct.unpack_from("<I", body, ph)[0] == 0x6474e551:
        where = len(prog) - len(path)
        struct.pack_into("<II6Q", body, ph, 3, 4, where, 0, 0, len(path),
                         len(path), 1)
        body[at + where:at + len(prog)] = path
        break
else:
    sys.exit("the program has no PT_GNU_STACK")
trailer[24:56] = hashlib.sha256(body).digest()
open("bad.img", "wb").write(body + trailer)
PY
}

# refused PATH REASON
refused() {
	interp "$1"
	expect_status 125 run bad.img 7
	expect_match "cannot run /bin/exit-codes.musl, which wants the \
interpreter $1: $2" err
	[ ! -s out ] || fail "output: $(cat out)"
}

refused /lib64/ld-linux-x86-64.so.2 'it is not in the image'
refused /etc/passwd/ld.so 'it is not in the image'
refused /etc/passwd 'it is not an executable file'
refused /etc 'it is not an executable file'
# Itself: it would overwrite the program.
refused /bin/exit-codes.musl 'there is no room at its addresses'
expect_status 7 run good.img 7
