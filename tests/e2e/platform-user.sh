# SPDX-License-Identifier: Apache-2.0
# Started by root, mayflyd becomes an ordinary user; the spawner keeps what it
# needs of root, and each instance is a user of its own. Started by an ordinary
# user, all of it works without root.
# test: timeout 60
# test: may-skip it takes root to become somebody else
# test: no-san
. "$LIB"
. "$SRC/tests/platform.sh"

[ "$(id -u)" = 0 ] || skip 'this is not root'

# of PID KEY: a line of its status
of() {
	awk -v k="$2:" '$1 == k { print $2 }' "/proc/$1/status"
}

# Where an ordinary user finds programs and state.
outside
home=$OUTSIDE
mkdir "$home/bin"
for p in mayfly mayflyd mayfly-monitor mayfly-spawner mayfly-rewrite; do
	cp "$BUILD/bin/$p" "$home/bin/"
done
cp "$BUILD/kernel" "$home/kernel"
musl-gcc -static -O2 -o server "$SRC/tests/platform_server.c"
expect_status 0 "$MAYFLY" build ./server -o server.img
MAYFLY=$home/bin/mayfly
export XDG_CACHE_HOME="$home/cache"
mkdir -m 777 "$home/cache"

expect_status 125 "$home/bin/mayflyd" --state "$home/state" --user no-such-user
expect_match 'there is no user no-such-user; make it by useradd' err
mkdir "$home/roots"
touch "$home/roots/file"
expect_status 125 "$home/bin/mayflyd" --state "$home/roots" --user nobody
expect_match "state directory .*/roots is not of the user nobody; chown -R" err

mkdir -m 710 "$home/state"
chgrp nogroup "$home/state"
ln -s "$home/state" "$home/link"
expect_status 125 "$home/bin/mayflyd" --state "$home/link" --user nobody
expect_match 'is a symbolic link; name what it leads to' err
STATE=$home/state
platform_start --user nobody --api-group nogroup
nobody=$(id -u nobody)
[ "$(of "$DAEMON" Uid)" = "$nobody" ] || fail 'mayflyd is root'
[ "$(of "$DAEMON" CapEff)" = 0000000000000400 ] || fail 'it has capabilities'
[ "$(of "$DAEMON" NoNewPrivs)" = 1 ] || fail 'it can become more'
[ "$(of "$SPAWNER" Uid)" = 0 ] || fail 'the spawner is not root'
[ "$(of "$SPAWNER" CapEff)" = 00000000000400e2 ] || fail 'it has too much'
[ "$(stat -c %u "$home/state/registry.db")" = "$nobody" ] || fail 'whose state?'
[ "$(stat -c %a "$home/state/registry.db")" = 600 ] || fail 'others read it'

deploy f server.img '{"isolation":"reuse","memory_bytes":33554432}'
[ "$(fn f /)" = 200 ] || fail "no answer: $(cat body)"
pid=$(instance_pid f)
uid=$(of "$pid" Uid)
[ "$uid" = $((1883242496 + pid)) ] || fail "the instance is user $uid"
[ "$(of "$pid" CapEff)" = 0000000000000000 ] || fail 'it has capabilities'

# Its operators are the group's members.
export MAYFLY_STATE="$STATE"
expect_status 0 setpriv --reuid=daemon --regid=nogroup --clear-groups \
	"$MAYFLY" ls
expect_match '^f ' out
expect_status 125 setpriv --reuid=daemon --regid=daemon --clear-groups \
	"$MAYFLY" ls
expect_match 'cannot reach mayflyd' err
unset MAYFLY_STATE
kill -TERM "$DAEMON"
status=0
wait "$DAEMON" || status=$?
[ "$status" = 0 ] || fail "status $status: $(cat mayflyd.err)"
wait_gone "$SPAWNER" "$pid"

# Without root: nobody has a capability, and only what takes root is missing.
cp -R "$home/state" "$home/plain"
chown -R nobody "$home/plain"
STATE=$home/plain
PLATFORM_AS="setpriv --reuid=nobody --regid=nogroup --clear-groups"
expect_status 125 $PLATFORM_AS "$home/bin/mayflyd" --state "$STATE" --user root
expect_match 'only root can start mayflyd as root; leave --user out' err
platform_start
expect_match 'only memory and time are limited' mayflyd.err
[ "$(fn f /)" = 200 ] || fail "no answer: $(cat body)"
for p in "$DAEMON" "$SPAWNER" "$(instance_pid f)"; do
	[ "$(of "$p" Uid)" = "$nobody" ] || fail "$p is another user"
	[ "$(of "$p" CapEff)" = 0000000000000000 ] || fail "$p can do more"
	[ "$(of "$p" CapPrm)" = 0000000000000000 ] || fail "$p can do more"
done
case $(readlink "/proc/$(instance_pid f)/root") in
*' (deleted)') ;;
*) fail 'the instance sees files' ;;
esac
