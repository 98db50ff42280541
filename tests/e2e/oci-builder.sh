# SPDX-License-Identifier: Apache-2.0
# The builder oci: every kind of reference that it says it knows, also from
# a registry, gives the same tree; what cannot be fetched is explained, with
# skopeo's own words before.
# test: once
# test: timeout 120
. "$LIB"

MAYFLY_LIBEXEC=$(dirname "$MAYFLY")
export MAYFLY_LIBEXEC
export PYTHONPATH="$SRC/tests" PYTHONDONTWRITEBYTECODE=1
OCI=$SRC/builders/oci

for ref in oci:a oci:a:b oci-archive:a docker-archive:/a/b dir:a \
	docker://a docker-daemon:a:b containers-storage:a; do
	expect_status 0 "$OCI/detect" "$ref"
	expect_match '^(image in a registry|[a-z-]+ image)$' out
done
for ref in . /bin/true ocix:a oci: a/oci:b docker:a ''; do
	expect_status 1 "$OCI/detect" "$ref"
	[ ! -s out ] || fail "detect $ref says $(cat out)"
done

python3 - <<'PY'
from oci_make import *
def make(how):
    i = Image(Entrypoint=["/e"], Cmd=["a"], ExposedPorts={"80/tcp": {}})
    i.layer(file("e", b"1", mode=0o755), file("x"), compress=how)
    return i.layer(file(".wh.x"), symlink("l", "e"), compress=how)
make("zstd").write("zstd")
make("").write("plain-layers")
i = make("gzip").write("layout")
arm = Image(arch="arm64").layer(file("y"))
arm.write("arm")
entries = [arm.entry(platform={"os": "linux", "architecture": a})
           for a in ("arm64", "ppc64le")]
def index(image, entries):
    return [image.document(OCI + "index.v1+json", {
        "schemaVersion": 2, "mediaType": OCI + "index.v1+json",
        "manifests": entries})]
arm.write("others", index(arm, entries))
i.blobs.update(arm.blobs)
i.write("two", [i.entry(), arm.entry()])
i.write("both", index(i, entries + [i.entry(platform={
    "os": "linux", "architecture": "amd64"})]))
PY

# build REF: status 0, and a tree that is the same each time
build() {
	rm -rf made
	mkdir made
	expect_status 0 "$OCI/build" "$1" "$PWD/made"
	inputs=
	[ ! -e made/inputs ] || inputs=$(cat made/inputs)
	rm -f made/inputs
	[ "$(ls made | tr '\n' ' ')" = "config.json rootfs " ] ||
		fail "$1 leaves $(ls made)"
	(cd made && find . -printf '%M %p %l\n' | sort && cat config.json \
		rootfs/e) >listing
	[ -e want ] || cp listing want
	cmp want listing || fail "$1 gives another tree: $(cat listing)"
	expect_match '^step: Fetching ' out
}

# built_from PATH: the build before has that as its only input
built_from() {
	[ "$inputs" = "$1" ] || fail "the inputs are $inputs"
}

# refused REF REGEX: status 1; the last line matches; OUT may be anything,
# nothing else is left
refused() {
	rm -rf made
	mkdir made
	expect_status 1 "$OCI/build" "$1" "$PWD/made"
	tail -n 1 err >last
	expect_match "$2" last
	[ ! -e made/config.json ] || fail "$1 leaves config.json"
}

skopeo copy -q oci:layout oci-archive:image.tar:app:1
skopeo copy -q oci:layout docker-archive:docker.tar:app:1
skopeo copy -q oci:layout dir:plain
sum=$(find layout plain ./*.tar -type f -exec sha256sum {} + | sort)
build oci:layout
expect_match '^-rwxr-xr-x ./rootfs/e $' want
expect_match '^lrwxrwxrwx ./rootfs/l e$' want
built_from "$PWD/layout"
build oci:layout:latest
built_from "$PWD/layout"
build "oci:$PWD/layout"
build oci-archive:image.tar
build oci-archive:image.tar:app:1
built_from "$PWD/image.tar"
build docker-archive:docker.tar
build docker-archive:docker.tar:app:1
build dir:plain
build oci:both
build oci:zstd
build oci:plain-layers
[ "$sum" = "$(find layout plain ./*.tar -type f -exec sha256sum {} + |
	sort)" ] || fail "the sources have changed"

registry_start
push both app
build "docker://$REGISTRY/app"
built_from ''
push others others
push layout plain/app
build "docker://$REGISTRY/plain/app"
build "docker://localhost:${REGISTRY#*:}/plain/app:latest"
build "docker://$REGISTRY/plain/app@$(sed \
	's/.*"digest": "\(.[^"]*\)".*/\1/' layout/index.json)"
refused "docker://$REGISTRY/app:2" '^cannot fetch docker://127.*/app:2: '
refused "docker://$REGISTRY/none" '^cannot fetch .*check the name'
refused "docker://$REGISTRY/others" 'for linux/arm64, linux/ppc64le; may'
# A layer that is not what the manifest says.
layer=$(python3 -c 'import json
def load(name):
    with open(f"layout/{name}") as f:
        return json.load(f)
def digest(of):
    return of["digest"].partition(":")[2]
index = load("index.json")["manifests"][0]
print(digest(load("blobs/sha256/" + digest(index))["layers"][0]))')
(cd registry/docker/registry/v2/blobs/sha256/*/"$layer" &&
	printf X | dd of=data conv=notrunc bs=1 seek=40 status=none)
rm -rf made
mkdir made
for ref in app plain/app; do
	expect_status 1 "$OCI/build" "docker://$REGISTRY/$ref" "$PWD/made"
	cat out err >both.out
	expect_match '[Dd]igest (did|does) not match|[Dd]igest .*mismatch' \
		both.out
	[ ! -e made/config.json ] || fail "$ref leaves config.json"
done

refused docker://127.0.0.1:1/x '^cannot fetch docker://127.0.0.1:1/x: check'
expect_match 'connection refused' out
refused oci-archive:none.tar '^there is no none.tar for the image oci-arch'
refused oci:none:tag '^there is no none:tag for the image oci:none:tag'
refused "oci-archive:$SRC/README.md" '^cannot read the image oci-archive:'
refused oci:layout:none '^cannot read the image oci:layout:none'
refused oci:two '^oci:two holds several images: name one, as in oci:two:NAME'
refused oci:others 'image is for linux/arm64, linux/ppc64le; mayfly runs'
refused oci:arm 'image is for linux/arm64; mayfly runs linux/amd64'
head -c 3000 image.tar >cut.tar
refused oci-archive:cut.tar '^cannot read the image oci-archive:cut.tar'
for f in layout/blobs/sha256/*; do
	cp "$f" saved
	chmod u+w "$f"
	echo x >>"$f"
	refused oci:layout '^(cannot read the image oci:layout|mayfly-unpack: )'
	cp saved "$f"
done
build oci:layout

mkdir bin
for p in dirname cat rm mkdir realpath; do
	ln -s "$(command -v $p)" bin
done
refused_path=$PATH
PATH=$PWD/bin
expect_status 1 "$OCI/build" oci:layout "$PWD/made"
PATH=$refused_path
expect_match '^skopeo is not installed; install the package skopeo$' err
