# SPDX-License-Identifier: Apache-2.0
# Programs without section headers, symbols or both are rewritten too, and
# still run.
. "$LIB"

# unsection FILE: no section headers any more
unsection() {
	python3 - "$1" <<'PY'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(40)
    f.write(bytes(8))
    f.seek(58)
    f.write(bytes(6))
PY
}

# check NAME LEAST: at least that many calls are rewritten, and it runs
check() {
	"$MAYFLY" build "$1" -o "$1.img" >/dev/null
	"$MAYFLY" inspect --syscalls "$1.img" >calls
	n=$(awk '$4 == "total" { print $2 }' calls)
	[ "$n" -ge "$2" ] || fail "$1: only $n rewritten: $(cat calls)"
	expect_status "$status" run "$1.img"
	cmp out expect
}

for p in hello.musl hello.glibc hello.glibc-pie; do
	least=80
	[ "$p" = hello.musl ] && least=15
	status=0
	"$PROGS/$p" >expect || status=$?
	cp "$PROGS/$p" whole
	check whole "$least"
	strip -o stripped "$PROGS/$p"
	check stripped "$least"
	unsection stripped
	cp stripped bare
	check bare "$least"
	rm -f whole* stripped* bare*
done
