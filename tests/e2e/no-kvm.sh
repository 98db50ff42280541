# SPDX-License-Identifier: Apache-2.0
# Without /dev/kvm a program runs on the process substrate and one line says
# so; without permission the remedy is named.
# test: substrates process
# test: may-skip needs a mount namespace of its own
. "$LIB"
BUSYBOX=/bin/busybox

"$MAYFLY" build "$PROGS/exit-codes.musl" -o x.img >/dev/null
cat >in-namespace.sh <<'E2'
: >null
mount --bind /dev/null null
mount -t tmpfs none /dev
: >/dev/null
mount --bind null /dev/null
exec "$@"
E2
if ! unshare -rm true 2>/dev/null; then
	skip 'unshare -rm does not work here'
fi

expect_status 7 unshare -rm sh in-namespace.sh "$MAYFLY" run x.img 7
expect_match '^mayfly: /dev/kvm is not there; using the process substrate' err
[ "$(wc -l <err)" = 1 ] || fail "more than one line: $(cat err)"
expect_status 125 unshare -rm sh in-namespace.sh "$MAYFLY" run --substrate kvm \
	x.img 7
expect_match 'cannot open /dev/kvm.*--substrate process' err
expect_status 7 unshare -rm sh in-namespace.sh "$MAYFLY" run --substrate \
	process x.img 7
[ ! -s err ] || fail "asked for process: $(cat err)"
expect_status 0 unshare -rm sh in-namespace.sh "$MAYFLY" doctor
expect_match '^warn +kvm +/dev/kvm is not there' out

# A snapshot of another substrate has no other one to go to.
if [ -e /dev/kvm ]; then
	"$MAYFLY" snapshot --substrate kvm "$BUSYBOX" -o x.snap -- cat
	expect_status 125 unshare -rm sh in-namespace.sh "$MAYFLY" run x.snap
	expect_match 'x.snap was taken on .*kvm.*--substrate process' err
fi

# As somebody else, if there is a /dev/kvm to be forbidden.
if [ -e /dev/kvm ] && [ "$(id -u)" = 0 ] &&
	[ "$(stat -c %A /dev/kvm | cut -c 8-9)" != rw ]; then
	theirs=$(mktemp -d)
	chown 65534 "$theirs"
	as_nobody() {
		setpriv --reuid=65534 --regid=65534 --clear-groups \
			env XDG_CACHE_HOME=/nowhere \
			MAYFLY_STATE="$theirs" "$MAYFLY" "$@"
	}
	chmod 644 x.img
	expect_status 7 as_nobody run x.img 7
	expect_match '^mayfly: no permission for /dev/kvm .*group kvm' err
	expect_status 125 as_nobody run --substrate kvm x.img 7
	expect_match 'add yourself to the group kvm, or .*process' err
	expect_status 0 as_nobody doctor
	expect_match 'usermod -aG kvm' out
	rm -rf "$theirs"
fi
