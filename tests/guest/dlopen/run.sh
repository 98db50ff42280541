# SPDX-License-Identifier: Apache-2.0
# A library that no file names as needed: it is in the image because --add
# says so, and is loaded as Linux does it.
. "$LIB"

lib=$PROG.dir/plugin.so
expect_status 0 "$PROG" "$lib"
mv out native
"$MAYFLY" build -o prog.img "$PROG" --add "$lib:/app/plugin.so" \
	>build.log 2>&1 ||
	fail "mayfly build: $(cat build.log)"
expect_status 0 run prog.img /app/plugin.so
diff native out || fail "natively it is different"
