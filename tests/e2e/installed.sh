# SPDX-License-Identifier: Apache-2.0
# What `make install` installs finds its parts, its builders and the comparison,
# and makes the same images.
# test: timeout 120
. "$LIB"

export XDG_CACHE_HOME="$TMP/cache"
unset XDG_CONFIG_HOME MAYFLY_BUILDERS
HOME=$(getent passwd "$(id -u)" | cut -d : -f 6)
export HOME
# -o: all of it is built already.
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$SRC" -o all install \
	B="$BUILD" PREFIX="$TMP/there" DESTDIR= >made 2>&1 || fail "$(cat made)"
(cd "$SRC/builders" && find . -type f -perm /111) | sort >want
(cd there/libexec/mayfly/builders && find . -type f -perm /111) | sort >have
cmp want have
[ -f there/share/man/man1/mayfly-build.1 ] || fail 'no manual'

expect_status 0 "$MAYFLY" build "$SRC/examples/hello-c" -o here.img
MAYFLY=$TMP/there/bin/mayfly
expect_status 125 "$MAYFLY" build --builder none "$SRC/examples/hello-c"
expect_match "no builder none; there are: $(sed '/^#/d' \
	"$SRC/builders/order" | paste -s -d , | sed 's/,/, /g')\$" err
expect_status 0 "$MAYFLY" build "$SRC/examples/hello-c" -o there.img
cmp here.img there.img
port=$(free_port)
start -p "127.0.0.1:$port:8080" "$SRC/examples/hello-c"
wait_port "$port" 60
[ "$(curl -sS --max-time 20 "http://127.0.0.1:$port/")" = \
	'Hello from Mayfly!' ] || fail "no answer: $(cat start.err)"

# The comparison, and a package without it.
expect_status 0 "$MAYFLY" bench compare --help
expect_match '^usage: mayfly bench compare' out
there=there/libexec/mayfly/compare
[ -z "$(find there -name __pycache__)" ] || fail 'Python wrote beside it'
for part in main.py memory.py firstbyte seccomp install-deps plots \
	examples/hello-node/server.js examples/hello-go/main.go; do
	[ -e "$there/$part" ] || fail "$part is not installed"
done
rm -r "$there"
expect_status 127 "$MAYFLY" bench compare --help
expect_match '^mayfly: the comparison is missing: it belongs in ' err
