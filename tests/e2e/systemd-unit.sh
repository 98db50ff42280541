# SPDX-License-Identifier: Apache-2.0
# systemd accepts the unit, the users and the directories that `make install`
# installs.
# test: once
# test: no-san
# test: may-skip not every host has systemd's tools
. "$LIB"

command -v systemd-analyze >/dev/null || skip 'there is no systemd-analyze'
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$SRC" -o all install \
	B="$BUILD" PREFIX="$TMP/there" DESTDIR= >made 2>&1 || fail "$(cat made)"
unit=there/lib/systemd/system/mayflyd.service
! grep @ $unit || fail 'make install did not fill it in'
program=$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' $unit)
[ -x "$program" ] || fail "$program is not installed"
# Of the manual pages and of other units of this host it may complain.
systemd-analyze verify --man=no --recursive-errors=no $unit >verified 2>&1 ||
	fail "$(cat verified)"
! grep mayflyd.service verified || fail 'systemd warns'

if command -v systemd-sysusers >/dev/null; then
	mkdir -p root/etc
	systemd-sysusers --root="$TMP/root" \
		"$TMP/there/lib/sysusers.d/mayfly.conf" >users 2>&1 ||
		fail "$(cat users)"
	expect_match '^mayfly:' root/etc/passwd
	expect_match '^kvm:.*[:,]mayfly' root/etc/group
fi
if command -v systemd-tmpfiles >/dev/null && [ -f root/etc/passwd ]; then
	systemd-tmpfiles --root="$TMP/root" --create \
		"$TMP/there/lib/tmpfiles.d/mayfly.conf" >tmp 2>&1 ||
		[ "$(id -u)" != 0 ] || fail "$(cat tmp)"
	[ "$(stat -c %a root/var/lib/mayfly)" = 710 ] || fail 'no directory'
fi
