# SPDX-License-Identifier: Apache-2.0
# The builder dockerfile: a Dockerfile with several stages and RUN, a failing
# one, an interrupted one; the base image is made here. Nothing is left but
# the store in MAYFLY_CACHE_DIR, and the source is as it was.
# test: once
# test: timeout 180
# test: no-san
. "$LIB"

MAYFLY_LIBEXEC=$(dirname "$MAYFLY")
export MAYFLY_LIBEXEC
export PYTHONPATH="$SRC/tests" PYTHONDONTWRITEBYTECODE=1
export MAYFLY_CACHE_DIR="$PWD/cache" TMPDIR="$PWD/tmp"
mkdir tmp cache
BUILDER=$SRC/builders/dockerfile

python3 - <<'PY'
from oci_make import *
with open("/bin/busybox", "rb") as f:
    busybox = f.read()
Image(Cmd=["/bin/sh"], Env=["BASE=yes"]).layer(
    file("bin/busybox", busybox, mode=0o755),
    *[symlink(f"bin/{n}", "busybox") for n in ("sh", "cat", "sleep", "id")],
    file("etc/passwd", b"root:x:0:0::/root:/bin/sh\n"),
    file("etc/group", b"root:x:0:\n")).write("base")
PY
skopeo copy -q oci:base oci-archive:base.tar

# build DIR STATUS
build() {
	rm -rf made
	mkdir made
	before=$(cd "$1" && find . -printf '%M %p %T@\n')
	expect_status "$2" "$BUILDER/build" "$PWD/$1" "$PWD/made"
	[ "$(cd "$1" && find . -printf '%M %p %T@\n')" = "$before" ] ||
		fail "$1 has changed"
	[ -z "$(ls tmp)" ] || fail "left in TMPDIR: $(ls tmp)"
	left=$(ls made | tr '\n' ' ')
	if [ "$2" = 0 ]; then
		[ "$left" = "config.json rootfs " ] || fail "left $left"
	else
		[ -z "$left" ] || fail "left $left"
	fi
}

mkdir app
echo 'some text' >app/text
echo secret >app/ignored
echo ignored >app/.dockerignore
cat >app/Dockerfile <<END
FROM oci-archive:$PWD/base.tar AS builder
COPY . /src
RUN cat /src/text /src/text >/result && ! cat /src/ignored && id
FROM oci-archive:$PWD/base.tar
COPY --from=builder /result /srv/result
RUN echo "\$BASE" >/srv/base && busybox rm /bin/id
WORKDIR /srv
ENV COLOUR=blue
EXPOSE 8080
ENTRYPOINT ["/bin/cat"]
CMD ["result"]
END
expect_status 0 "$BUILDER/detect" app
[ "$(cat out)" = Dockerfile ] || fail "detect says $(cat out)"
build app 0
expect_match '^step: \[1/2\] STEP 3/3: RUN cat /src/text' out
expect_match '^uid=0' out
[ "$(cat made/rootfs/srv/result)" = "$(cat app/text app/text)" ] ||
	fail "the result is $(cat made/rootfs/srv/result)"
[ "$(cat made/rootfs/srv/base)" = yes ] || fail "the variable is not set"
[ ! -e made/rootfs/bin/id ] || fail "/bin/id was not removed"
[ ! -e made/rootfs/src ] || fail "the first stage is in the image"
for f in etc/hosts etc/hostname etc/resolv.conf; do
	[ ! -e made/rootfs/$f ] || fail "buildah's $f is in the image"
done
python3 - <<'PY'
import json
with open("made/config.json") as f:
    c = json.load(f)
assert c["args"] == ["/bin/cat", "result"] and c["args_default"] == 1, c
assert c["cwd"] == "/srv" and c["ports"] == [8080], c
assert "COLOUR=blue" in c["env"] and "BASE=yes" in c["env"], c
assert c["user"] == {"uid": 0, "gid": 0} and c["libraries"] is False, c
PY
mv made first
build app 0
diff -r first made

# The same with the driver that needs nothing of the kernel.
STORAGE_DRIVER=vfs build app 0
diff -r first made

mv app/Dockerfile app/Containerfile
expect_status 0 "$BUILDER/detect" app
[ "$(cat out)" = Containerfile ] || fail "detect says $(cat out)"
build app 0
diff -r first made

mkdir none
expect_status 1 "$BUILDER/detect" none
[ ! -s out ] || fail "detect says $(cat out)"

mkdir fails
cat >fails/Dockerfile <<END
FROM oci-archive:$PWD/base.tar
RUN echo "something is wrong" && exit 3
END
build fails 1
expect_match '^something is wrong$' out
expect_match '^buildah could not follow Dockerfile and ended with status 3$' \
	err
echo 'FORM scratch' >fails/Dockerfile
build fails 1
expect_match '^buildah could not follow Dockerfile and ended' err

# Ended in the middle of a step.
mkdir slow
cat >slow/Dockerfile <<END
FROM oci-archive:$PWD/base.tar
RUN echo sleeping && sleep 1000
END
rm -rf made
mkdir made
"$BUILDER/build" "$PWD/slow" "$PWD/made" >slow.out 2>&1 &
PID=$!
wait_line slow.out '^sleeping'
kill -TERM $PID
got=0
wait $PID || got=$?
[ "$got" = 143 ] || fail "status $got: $(cat slow.out)"
[ -z "$(ls made)" ] || fail "left $(find made)"
[ -z "$(ls tmp)" ] || fail "left in TMPDIR: $(ls tmp)"
build app 0
diff -r first made

for driver in overlay vfs; do
	[ -d "cache/buildah/$driver" ] || continue
	left=$(buildah --root "cache/buildah/$driver" --runroot run \
		--storage-driver $driver containers -q --all)
	[ -z "$left" ] || fail "containers left: $left"
done
