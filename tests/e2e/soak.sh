# SPDX-License-Identifier: Apache-2.0
# A hard life of the platform, short here and ten minutes with ./test --soak;
# then every request and every instance is accounted for.
# test: timeout 120
# test: no-san
. "$LIB"

musl-gcc -static -Os -o soak "$SRC/tests/soak_fn.c"
"$MAYFLY" build ./soak -o soak.img >/dev/null
status=0
python3 "$SRC/tests/soak.py" "$BUILD/bin/mayflyd" "$SUBSTRATE" soak.img \
	"${SOAK_SECONDS:-8}" "${SOAK_SEED:-1}" || status=$?
[ "$status" = 0 ] || tail -n 20 mayflyd.log
exit "$status"
