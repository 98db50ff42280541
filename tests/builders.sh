# SPDX-License-Identifier: Apache-2.0
# Sourced by tests/e2e/builders-*.sh after lib.sh: builders as `mayfly build`
# calls them, with what they say in the file said.

BUILDERS=$SRC/builders
MAYFLY_CACHE_DIR=$BUILD/test-builder-cache
export MAYFLY_CACHE_DIR
unset MAYFLY_ENTRY CC CXX CFLAGS CXXFLAGS LDFLAGS CGO_ENABLED
# Tools that were not installed as packages are there, and their settings.
HOME=$(getent passwd "$(id -u)" | cut -d : -f 6)
export HOME
mkdir -p "$MAYFLY_CACHE_DIR" scratch
TMPDIR=$TMP/scratch
export TMPDIR

# digest DIRECTORY: of names, types, permissions and contents in it
digest() {
	(
		cd "$1"
		find . -mindepth 1 -printf '%P %y %m %l\n' | LC_ALL=C sort
		find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
	) | sha256sum
}

# build_by NAME SOURCE: builds into tree; the status is the builder's
build_by() {
	rm -rf tree
	mkdir tree
	got=0
	"$BUILDERS/$1/build" "$(realpath "$2")" "$PWD/tree" >said 2>&1 ||
		got=$?
	[ -z "$(ls "$TMPDIR")" ] || fail "$1 left $(ls "$TMPDIR") in TMPDIR"
	return "$got"
}

# expect_built NAME SOURCE REGEX: a line of config.json matches REGEX, the
# source was not written to, and a copy of it elsewhere gives the same
expect_built() {
	[ ! -d "$2" ] || before=$(digest "$2")
	build_by "$1" "$2" || {
		cat said
		fail "the builder $1 failed on $2"
	}
	expect_match "$3" tree/config.json
	expect_match '^step: ' said
	[ ! -d "$2" ] || [ "$before" = "$(digest "$2")" ] ||
		fail "the builder $1 changed $2"
	first=$(digest tree/rootfs; cat tree/config.json)
	rm -rf elsewhere
	mkdir -p "elsewhere/a longer path"
	cp -r "$2" "elsewhere/a longer path/"
	(umask 077 && build_by "$1" "elsewhere/a longer path/${2##*/}") || {
		cat said
		fail "the builder $1 failed on a copy of $2"
	}
	[ "$first" = "$(digest tree/rootfs; cat tree/config.json)" ] ||
		fail "the builder $1 makes two trees from $2"
	! grep -qr --exclude-dir=usr -- "$TMP" \
		tree/rootfs tree/config.json ||
		fail "the tree knows where the source was"
}

# expect_failed NAME SOURCE REGEX: it fails, and says why
expect_failed() {
	! build_by "$1" "$2" || fail "the builder $1 succeeds on $2"
	expect_match "$3" said
}

# expect_detected NAME SOURCE: detect's answer is yes
expect_detected() {
	expect_status 0 "$BUILDERS/$1/detect" "$2"
	[ -s out ] || fail "detect of $1 does not say what it saw"
}
