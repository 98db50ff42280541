# SPDX-License-Identifier: Apache-2.0
# Index, manifest and configuration of an image: what is taken from them, and
# what is refused, wrong digests before all. The cases are in
# oci-documents.py.
# test: once
# test: timeout 60
. "$LIB"

UNPACK="$(dirname "$MAYFLY")/mayfly-unpack"
export UNPACK
export PYTHONPATH="$SRC/tests" PYTHONDONTWRITEBYTECODE=1
python3 "$SRC/tests/e2e/oci-documents.py"

mkdir layout full
expect_status 2 "$UNPACK"
expect_match '^Usage: mayfly-unpack LAYOUT OUT' err
expect_status 2 "$UNPACK" layout
expect_status 0 "$UNPACK" --help
expect_match '^Usage: mayfly-unpack LAYOUT OUT' out
expect_status 1 "$UNPACK" none full
expect_match '^mayfly-unpack: cannot open none: No such file' err
expect_status 1 "$UNPACK" layout full
expect_match '^mayfly-unpack: this is no OCI image layout' err

# What is there already stays.
python3 -c 'from oci_make import *
Image(Cmd=["/x"]).layer(file("x")).write("layout")'
for name in rootfs config.json; do
	rm -rf full
	mkdir full
	echo old >full/$name
	expect_status 1 "$UNPACK" layout full
	expect_match "^mayfly-unpack: cannot make full/$name: File exists" err
	[ "$(cat full/*)" = old ] || fail "$name was replaced"
done

# No room, and a signal: nothing is left.
python3 -c 'from oci_make import *
Image(Cmd=["/x"]).layer(file("x", bytes(1 << 20)), *[
    file(f"f{i}", b"x") for i in range(100000)]).write("large")'
mkdir new
(
	ulimit -f 64
	expect_status 1 "$UNPACK" large new
)
expect_match '^mayfly-unpack: layer 1 of 1: cannot write x: File too large' err
[ -z "$(ls new)" ] || fail "left $(ls new)"
"$UNPACK" large new >out 2>err &
PID=$!
while [ ! -e new/rootfs/f10 ]; do
	kill -0 $PID || fail "ended early: $(cat err)"
done
kill -TERM $PID
got=0
wait $PID || got=$?
[ "$got" = 143 ] || fail "SIGTERM: status $got"
[ -z "$(ls new)" ] || fail "SIGTERM left $(ls new)"
