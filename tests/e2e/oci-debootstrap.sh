# SPDX-License-Identifier: Apache-2.0
# A whole Debian, as debootstrap makes it, as a container image: 6000 files,
# links of both kinds, devices, setuid programs. Python, bash and a shell
# script run from it, and the digest is the same once more.
# test: once
# test: full
# test: timeout 900
# test: may-skip only root can run debootstrap
. "$LIB"
[ "$(id -u)" = 0 ] || skip "only root can run debootstrap"

export XDG_CACHE_HOME="$TMP/cache"
export PYTHONPATH="$SRC/tests" PYTHONDONTWRITEBYTECODE=1
substrates=process
[ ! -w /dev/kvm ] || substrates="process kvm"

debootstrap --variant=minbase --include=python3 bookworm root >log 2>&1 || {
	tail log
	fail "debootstrap"
}
python3 - <<'PY'
import subprocess
from oci_make import *
i = Image(Cmd=["python3", "app.py"], WorkingDir="/srv")
i.raw_layer(subprocess.run(["tar", "-C", "root", "--numeric-owner", "-c", "."],
                           check=True, stdout=subprocess.PIPE).stdout,
            compress="")
i.layer(file("srv/app.py", b"""
import json, os, re, sqlite3, threading
text = open("/etc/os-release").read()
answer = []
t = threading.Thread(target=lambda: answer.append(sum(range(1000))))
t.start()
t.join()
db = sqlite3.connect(":memory:")
print(json.dumps([re.search("^ID=(.*)", text, re.M)[1], os.getcwd(), answer,
                  db.execute("select 6 * 7").fetchone()]))
"""), file("srv/script", b"""#!/bin/sh
while IFS== read -r name value; do
	case $name in ID) echo "this is $value" ;; esac
done </etc/os-release
""", mode=0o755), compress="zstd")
i.write("debian")
PY

expect_status 0 "$MAYFLY" build oci:debian
expect_match 'holds no devices, sockets or pipes: /dev/[a-z]+ and [0-9]+ ' err
expect_match 'setuid and setgid bits are dropped: /usr/.* and [0-9]+ more' err
digest=$(cut -d ' ' -f 1 out)
expect_status 0 "$MAYFLY" build oci:debian -o again.img
[ "$(cut -d ' ' -f 1 out)" = "$digest" ] || fail "another digest"

# gives TEXT NAME PROGRAM...: the image, told to run PROGRAM, prints TEXT
gives() {
	text=$1
	name=$2
	shift 2
	[ "$#" = 0 ] || "$MAYFLY" build oci:debian -o "$name" -- "$@" 2>err
	for SUBSTRATE in $substrates; do
		expect_status 0 run "$name"
		[ "$(cat out)" = "$text" ] ||
			fail "$name prints $(cat out) on $SUBSTRATE"
	done
}
gives '["debian", "/srv", [499500], [42]]' debian.img
gives 'this is debian' script.img /srv/script
gives 'adduser.conf 3' bash.img bash -c \
	'cd /etc; set -- a*.conf; echo "$1 $((1 + 2))"'
