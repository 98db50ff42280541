# SPDX-License-Identifier: Apache-2.0
# A Dockerfile followed for an ordinary user: with a range in /etc/subuid as
# for root; without one, what needs no other user, and a sentence for the
# rest. Nothing is left, though files belonged to subordinate users.
# test: no-san
# test: once
# test: timeout 180
# test: may-skip only root can become an ordinary user
. "$LIB"
[ "$(id -u)" = 0 ] || skip "only root can become an ordinary user"

# Our own programs may be where only root can read.
mkdir user
cp -R "$SRC/builders" user
cp -L "$(dirname "$MAYFLY")/mayfly-unpack" user
export PYTHONPATH="$SRC/tests" PYTHONDONTWRITEBYTECODE=1
cd user
mkdir home tmp copies runs
python3 - <<'PY'
from oci_make import *
with open("/bin/busybox", "rb") as f:
    busybox = f.read()
Image(Cmd=["/bin/sh"]).layer(
    file("bin/busybox", busybox, mode=0o755), symlink("bin/sh", "busybox"),
    file("data", uid=33, gid=33)).write("base")
PY
echo text >copies/text
printf 'FROM scratch\nCOPY text /text\nCMD ["/text"]\n' >copies/Dockerfile
cat >runs/Dockerfile <<END
FROM oci:$PWD/base
RUN busybox chown 5:5 /data && echo text >/text
CMD ["/text"]
END
chmod 755 .. .
chown -R 65534:65534 .
export MAYFLY_LIBEXEC="$PWD" HOME="$PWD/home" TMPDIR="$PWD/tmp"

# as_user STATUS DIR: the builder, as nobody
as_user() {
	rm -rf made
	mkdir made
	chown 65534:65534 made
	expect_status "$1" unshare -m sh -eu -c '
		mount --bind ranges /etc/subuid
		mount --bind ranges /etc/subgid
		exec setpriv --reuid=65534 --regid=65534 --clear-groups \
			builders/dockerfile/build "$PWD/$1" "$PWD/made"' - "$2"
	left=$(ls made tmp home)
	if [ "$1" = 0 ]; then
		[ "$(cat made/rootfs/text)" = text ] || fail "there is no text"
		rm -rf made/rootfs made/config.json
		left=$(ls made tmp home)
	fi
	left=$(echo "$left" | grep -Ev '^$|^(made|tmp|home):$' || true)
	[ -z "$left" ] || fail "left $left"
}

echo 'nobody:100000:65536' >ranges
as_user 0 copies
as_user 0 runs
: >ranges
as_user 0 copies
as_user 1 runs
expect_match '^user nobody has no range in /etc/subuid; .* --add-subuids' err
expect_match '^buildah could not follow Dockerfile and ended with status' err
