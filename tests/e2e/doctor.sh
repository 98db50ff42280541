# SPDX-License-Identifier: Apache-2.0
# doctor finds what is there and names the remedy for what is not.
# test: once
. "$LIB"

expect_status 0 "$MAYFLY" doctor
expect_match '^ok +parts ' out
expect_match '^ok +mkfs.erofs ' out
expect_match '^(ok|warn) +kvm ' out
expect_status 0 "$MAYFLY" doctor --json
python3 -c 'import json
s = json.load(open("out"))
assert s["ok"] is True
names = [c["name"] for c in s["checks"]]
assert "kvm" in names and len(set(names)) == len(names)
assert all(c["level"] in ("ok", "warn") for c in s["checks"])'

mkdir bin
expect_status 1 env PATH="$TMP/bin" "$MAYFLY" doctor
expect_match '^fail +mkfs.erofs ' out
expect_match 'install the package erofs-utils' out
expect_status 0 env XDG_CACHE_HOME=/dev/null/x "$MAYFLY" doctor
expect_match '^warn +cache ' out
expect_match 'set XDG_CACHE_HOME' out
