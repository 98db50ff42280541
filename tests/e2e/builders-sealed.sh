# SPDX-License-Identifier: Apache-2.0
# mayfly build on sources in each language: the digest is that of the source,
# and what a failed compiler said is shown, with its status.
# test: once
# test: full
# test: no-san
# test: timeout 600
. "$LIB"
. "$SRC/tests/builders.sh"

# sealed DIRECTORY: seals it, and a copy of it in another place, made later
# and with another umask: one digest
sealed() {
	expect_status 0 "$MAYFLY" build -o first.img "$1"
	first=$(cut -d ' ' -f 1 out)
	rm -rf elsewhere
	mkdir -p "elsewhere/a longer path"
	(umask 077 && cp -r "$1" "elsewhere/a longer path/")
	expect_status 0 "$MAYFLY" build -o second.img \
		"elsewhere/a longer path/${1##*/}"
	[ "$first" = "$(cut -d ' ' -f 1 out)" ] ||
		fail "two digests of one source: $1"
	cmp first.img second.img
}

for example in "$SRC"/examples/*; do
	sealed "$example"
done

# refused DIRECTORY REGEX: no image, what was said, and a last sentence
refused() {
	expect_status 1 "$MAYFLY" build -o bad.img "$1"
	expect_match "$2" err
	tail -n 1 err >last
	expect_match '^mayfly: .*status [0-9]+' last
	[ ! -e bad.img ] || fail "there is an image of $1"
	[ -z "$(ls "$TMPDIR")" ] || fail "$1 left $(ls "$TMPDIR")"
}

mkdir c go rust rust/src node py
echo 'int main(void) { return missing; }' >c/c.c
refused c "'missing' undeclared"
printf 'module x\n\ngo 1.19\n' >go/go.mod
printf 'package main\n\nfunc main() { missing() }\n' >go/main.go
refused go 'undefined: missing'
printf '[package]\nname = "x"\nversion = "1.0.0"\n' >rust/Cargo.toml
echo 'fn main() { missing() }' >rust/src/main.rs
refused rust 'cannot find function `missing`'
echo '{"dependencies": {"express": "4"}, "main": "x.js"}' >node/package.json
echo >node/x.js
refused node 'make one with: npm install --package-lock-only'
echo '{"lockfileVersion": 3, "packages": {}}' >node/package-lock.json
refused node 'npm (error|ERR!)'
echo 'print(' >py/main.py
refused py "'\\(' was never closed"
