# SPDX-License-Identifier: Apache-2.0
# What a build is doing, on a terminal: one line that is written over and gone
# at the end, never wider than the terminal. Elsewhere nothing.
# test: once
# test: timeout 60
. "$LIB"

mkdir b b/slow src marks
export MARKS="$TMP/marks"
export XDG_CACHE_HOME="$TMP/cache" MAYFLY_BUILDERS="$TMP/b"
printf '#!/bin/sh\n[ -d "$1" ]\n' >b/slow/detect
cat >b/slow/build <<'SH'
#!/bin/sh -eu
echo 'step: fetching the parts'
echo 'much to tell'
while [ ! -e "$MARKS/go" ]; do sleep 0.05; done
printf 'step: evil \033[31mred\a and a text so long that it does not fit\n'
[ ! -e "$MARKS/fail" ] || exit 3
mkdir "$2/rootfs"
cp /bin/busybox "$2/rootfs/busybox"
echo '{"args": ["/busybox", "echo", "done"]}' >"$2/config.json"
SH
chmod +x b/slow/*

# On a terminal of 40 columns; the builder goes on when a second was seen.
cat >terminal.py <<'PY'
import fcntl
import os
import pty
import struct
import sys
import termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    os.execv(sys.argv[1], sys.argv[1:])
seen = b""
while True:
    try:
        data = os.read(fd, 4096)
    except OSError:
        break
    if not data:
        break
    seen += data
    if b" s)" in seen:
        open("marks/go", "w").close()
open("seen", "wb").write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
cat >shown.py <<'PY'
# What was written over, line by line, then what stays.
import re
seen = open("seen", "rb").read().decode().replace("\r\n", "\n")
parts = re.split("\r\x1b\\[K", seen)
open("live", "w").write("".join(p + "\n" for p in parts[:-1]))
open("stays", "w").write(parts[-1])
PY

show() {
	rm -f marks/go
	got=0
	python3 terminal.py "$MAYFLY" "$@" || got=$?
	python3 shown.py
	cat live stays
	while read -r line; do
		[ "${#line}" -lt 40 ] || fail "too wide: $line"
	done <live
	! grep -q '[[:cntrl:]]' live || fail 'control characters'
}

show build src
[ "$got" = 0 ] || fail "status $got"
expect_match '^fetching the parts$' live
expect_match '^fetching the parts \([0-9]+ s\)$' live
expect_match '^evil \?\[31mred\? and a text so' live
expect_match '^looking for libraries$' live
expect_match '^rewriting system calls$' live
expect_match '^writing the image$' live
! grep -q 'much to tell' seen || fail 'the output of a good build'
[ "$(wc -l <stays)" = 1 ] || fail "stays: $(cat stays)"
expect_match '^sha256:[0-9a-f]{64}  src.img  [0-9]+ bytes$' stays
rm src.img

show run --substrate process src
[ "$got" = 0 ] || fail "status $got"
expect_match '^fetching the parts \([0-9]+ s\)$' live
[ "$(cat stays)" = 'done' ] || fail "stays: $(cat stays)"

# A failure takes the line back before it tells why.
touch marks/fail
show build src
[ "$got" = 1 ] || fail "status $got"
[ "$(cat stays)" = 'much to tell
mayfly: the builder slow failed with status 3; nothing was sealed' ] ||
	fail "stays: $(cat stays)"
rm marks/fail

# No terminal.
touch marks/go
expect_status 0 "$MAYFLY" build src
[ ! -s err ] || fail "said: $(cat err)"
expect_status 0 "$MAYFLY" build -v src
expect_match '^mayfly: fetching the parts$' err
expect_match '^much to tell$' err
expect_match '^mayfly: writing the image$' err
! grep -q "$(printf '\r')" err || fail 'written over without a terminal'
