# SPDX-License-Identifier: Apache-2.0
# The builder go: modules, single files, which package, and mistakes.
# test: once
# test: no-san
# test: timeout 300
. "$LIB"
. "$SRC/tests/builders.sh"

program() {
	mkdir -p "$1"
	printf 'package main\n\nfunc main() { println("%s") }\n' "$1" \
		>"$1/main.go"
}

expect_detected go "$SRC/examples/hello-go"
expect_built go "$SRC/examples/hello-go" '"args": \["/bin/hello"\]'
! readelf -l tree/rootfs/bin/hello | grep -q INTERP || fail "it is dynamic"
readelf -s tree/rootfs/bin/hello | grep -q ' main\.main$' ||
	fail "symbols are gone"

# A file, and files without a module.
program alone
expect_detected go alone
expect_detected go alone/main.go
expect_built go alone '"/bin/alone"'
cp alone/main.go tool.go
expect_built go tool.go '"/bin/tool"'
./tree/rootfs/bin/tool 2>ran
expect_match '^alone$' ran

# Which package: the top, the only one, the one called like the directory,
# the one that is asked for.
mkdir mod
cd mod
printf 'module example.com/served\n\ngo 1.19\n' >go.mod
mkdir lib
echo 'package lib' >lib/lib.go
program cmd/first
cd ..
expect_built go mod '"/bin/first"'
(cd mod && program cmd/second)
expect_failed go mod \
	'several programs \(first, second\) and none is called mod'
export MAYFLY_ENTRY=cmd/second
expect_built go mod '"/bin/second"'
MAYFLY_ENTRY=lib
expect_failed go mod 'no main packages'
unset MAYFLY_ENTRY
expect_failed go mod/lib/lib.go 'is no program'
(cd mod && program cmd/mod)
build_by go mod || fail "$(cat said)"
expect_match '"/bin/mod"' tree/config.json
(cd mod && program .)
expect_built go mod '"/bin/served"'

# A vendor directory needs no network.
mkdir -p vend/vendor/example.com/dep
cat >vend/go.mod <<'END'
module vend

go 1.19

require example.com/dep v1.0.0
END
cat >vend/vendor/modules.txt <<'END'
# example.com/dep v1.0.0
## explicit
example.com/dep
END
printf 'package dep\n\nconst Text = "vendored"\n' \
	>vend/vendor/example.com/dep/dep.go
cat >vend/main.go <<'END'
package main

import "example.com/dep"

func main() { println(dep.Text) }
END
expect_built go vend '"/bin/vend"'

# With C in it, or in a package that it imports: dynamic, with nothing said.
mkdir -p cgo/add
printf 'module cgo\n\ngo 1.19\n' >cgo/go.mod
cat >cgo/add/add.go <<'END'
package add

// static int add(int a, int b) { return a + b; }
import "C"

func Add(a, b int) int { return int(C.add(C.int(a), C.int(b))) }
END
cat >cgo/main.go <<'END'
package main

import "cgo/add"

func main() { println(add.Add(40, 2)) }
END
expect_built go cgo '"/bin/cgo"'
readelf -l tree/rootfs/bin/cgo | grep -q INTERP || fail "it is static"
./tree/rootfs/bin/cgo 2>ran
expect_match '^42$' ran
sed -i 's/package add/package main/; $a func main() {}' cgo/add/add.go
expect_built go cgo/add/add.go '"/bin/add"'
export CGO_ENABLED=0
expect_failed go cgo/add/add.go 'build constraints exclude all Go files'
unset CGO_ENABLED

# What go.mod lacks is an error, also if go would be allowed to add it.
rm -rf vend/vendor
export GOPROXY=off GOFLAGS=-mod=mod
expect_failed go vend 'example.com/dep'
unset GOPROXY GOFLAGS

# Without Go.
mkdir bin
for tool in sh dirname mktemp mkdir chmod rm ls cat grep realpath; do
	ln -s "$(command -v $tool)" bin/
done
(PATH=$PWD/bin && expect_failed go alone \
	'go is not installed; install the package golang-go') || exit 1

mkdir none
echo 'module none' >none/go.mod
echo 'package none' >none/none.go
expect_failed go none 'there is no package main'
echo 'func main() { undefined() }' >>alone/main.go
expect_failed go alone 'main redeclared'
expect_status 1 "$BUILDERS/go/detect" "$SRC/examples/hello-c"
