# SPDX-License-Identifier: Apache-2.0
# What `make install` installs finds its parts, its builders and the comparison,
# and makes the same images.
# test: timeout 180
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
# By an ordinary user: what takes root is left out, aloud. (In a network of its
# own, where nobody else is on the port that it wants.)
as_user() {
	outside
	cp -r there "$OUTSIDE/there"
	mkdir -m 777 "$OUTSIDE/own"
	(cd "$OUTSIDE/own" && unshare -n sh -c 'ip link set lo up; exec "$@"' \
		sh setpriv --reuid=nobody --regid=nogroup --clear-groups \
		env HOME="$OUTSIDE/own" XDG_CACHE_HOME="$OUTSIDE/own" \
		"$OUTSIDE/there/bin/mayfly" bench compare --no-install \
		--quick --programs node --parts start \
		--only process,crun,mayfly-run-process \
		--runs 1 --cold-runs 1 -o result) >out 2>err ||
		fail "$(cat err)"
	expect_match '^left out, node: crun: needs root$' err
	python3 "$SRC/bench/compare/check.py" "$OUTSIDE/own/result" >out ||
		fail "$(cat out)"
	expect_match 'Not run as root: no namespaces, no containers' \
		"$OUTSIDE/own/result/report.md"
}
if [ "$SUBSTRATE" = process ] && [ "$(id -u)" = 0 ] &&
	command -v gnuplot >/dev/null; then
	as_user
fi
rm -r "$there"
expect_status 127 "$MAYFLY" bench compare --help
expect_match '^mayfly: the comparison is missing: it belongs in ' err
