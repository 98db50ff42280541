# SPDX-License-Identifier: Apache-2.0
# Programs do the same whether their system calls are rewritten or not. The
# tests of other layers run them rewritten and compare with Linux; here those
# that are nearest to a call are run again without. rewrite-same-all.sh takes
# all programs of the abi layer.
# test: no-san
# test: timeout 120
. "$LIB"

abi=$BUILD/tests/abi
programs=${PROGRAMS:-"$abi/registers.musl $abi/signals.glibc
$abi/sigfault.musl-pie $abi/threads.glibc-pie $abi/futex.glibc
$abi/sigintr.musl $abi/unwind.glibc-dyn $abi/moved.musl $abi/moved.glibc
$PROGS/go-work.go $PROGS/rust-work.rust
$PROGS/throw.make"}

# rewritten IMAGE: how many calls of it are
rewritten() {
	"$MAYFLY" inspect --syscalls "$1" | awk '$4 == "total" { print $2 }'
}

# options PROGRAM: what its file in the tree says mayfly run needs
options() {
	source=$(basename "${1%.*}")
	cat "$SRC/tests/abi/$source.c" "$SRC/tests/guest/$source"/* \
		2>/dev/null | sed -n 's,^[ */!]* test: flags ,,p'
}

count=0
for p in $programs; do
	name=$(basename "$p")
	[ -x "$p" ] || fail "$name is not built"
	"$MAYFLY" build -o with.img "$p" >/dev/null
	"$MAYFLY" build --no-rewrite -o without.img "$p" >/dev/null
	[ "$(rewritten with.img)" -gt 0 ] || fail "$name: nothing is rewritten"
	[ "$(rewritten without.img)" = 0 ] || fail "$name: --no-rewrite does"
	for how in with without; do
		status=0
		# shellcheck disable=SC2046
		run $(options "$p") $how.img >$how.out 2>$how.err || status=$?
		echo "status $status" >>$how.out
	done
	diff with.out without.out || fail "$name differs: $(
		cat with.err without.err)"
	[ "$(wc -l <with.out)" -gt 1 ] || fail "$name prints nothing: $(
		cat with.err)"
	count=$((count + 1))
done
echo "$count programs"
