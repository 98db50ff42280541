# SPDX-License-Identifier: Apache-2.0
# A monitor that its own jail kills is reported as that. A stand-in dies as it
# would: a real one never makes a forbidden call.
# test: once
. "$LIB"

mkdir bin
cp "$MAYFLY" bin/mayfly
cp "$BUILD/bin/mayfly-rewrite" bin/
cp "$BUILD/kernel" kernel
cat >bin/mayfly-monitor <<'END'
#!/bin/sh
kill -SYS $$
END
chmod +x bin/mayfly-monitor
MAYFLY=$PWD/bin/mayfly
expect_status 125 "$MAYFLY" run "$PROGS/hello.musl"
expect_match 'monitor of .* was killed by its jail' err
