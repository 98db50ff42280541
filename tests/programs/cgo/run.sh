# SPDX-License-Identifier: Apache-2.0
# A Go program that is linked with the C library because it contains C.
# test: program Go with cgo
# test: version go version
. "$SRC/tests/programs/lib.sh"

seal "$OUT/work"
part 'calls both ways, threads of C, preemption, names looked up by libc'
native env GODEBUG=netdns=cgo "$OUT/work"
guest -e GODEBUG=netdns=cgo prog.img
agree

part 'a crash in C code ends it with a report of the Go runtime'
native sh -c '"$1" crash; status=$?; echo $status; exit $status' - "$OUT/work"
guest prog.img crash
[ "$GUEST" = "$NATIVE" ] || fail "status $GUEST, natively $NATIVE"
expect_match 'SIGSEGV: segmentation violation' guest.err
expect_match '^main.main\(\)' guest.err

part 'net/http whose answers are made in C, under load'
NPORT=$(free_port)
serve_native "$OUT/work" serve "$NPORT"
serve_guest 8080 prog.img serve 8080
both get /some/where
load 'Hello / from C' -n 1000 -c 8
load 'Hello / from C' -n 200 -c 4 --close
stop_both TERM
