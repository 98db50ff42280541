# SPDX-License-Identifier: Apache-2.0
# A program that verifies itself (here it prints its own checksum) works if
# its checksum lies beside it, or if the user says that it is left alone.
# test: timeout 60
. "$LIB"

mkdir app
cp "$PROGS/busybox.make" app/busybox
original=$(sha256sum <app/busybox)

# same IMAGE WHY, other IMAGE WHY: what the program says its checksum is, is
# that of the file before it was sealed, or is not
sum() {
	expect_status 0 run "$1" sha256sum /proc/self/exe
	expect_match '^[0-9a-f]{64}  /proc/self/exe$' out
	sum=$(sed 's/ .*//' out)
}
same() {
	sum "$1"
	[ "$sum  -" = "$original" ] || fail "$2"
}
other() {
	sum "$1"
	[ "$sum  -" != "$original" ] || fail "$2"
}

"$MAYFLY" build app/busybox -o plain.img >/dev/null
other plain.img "nothing has been rewritten"

touch beside
for name in .busybox.hmac busybox.hmac busybox.chk; do
	"$MAYFLY" build app/busybox --add "beside:/bin/$name" -o verified.img \
		>/dev/null
	same verified.img "$name does not help"
	expect_status 0 "$MAYFLY" inspect --syscalls verified.img
	expect_match 'its checksum lies beside it' out
done
"$MAYFLY" build app/busybox --add beside:/bin/other.hmac -o other.img \
	>/dev/null
other other.img "other.hmac is not its checksum"

"$MAYFLY" build --no-rewrite=/bin/busybox app/busybox -o excluded.img >/dev/null
same excluded.img "--no-rewrite does not help"
for value in true /bin/busybox '[/etc, /bin]'; do
	echo "no-rewrite: $value" >settings.yaml
	"$MAYFLY" build --config settings.yaml app/busybox -o settings.img \
		>/dev/null
	same settings.img "$value does not help"
done
echo 'no-rewrite: false' >settings.yaml
"$MAYFLY" build --config settings.yaml app/busybox -o settings.img >/dev/null
other settings.img "false: it is not rewritten"
echo 'no-rewrite: bin' >settings.yaml
expect_status 125 "$MAYFLY" build --config settings.yaml app/busybox \
	-o bad.img
expect_match 'settings.yaml:1: no-rewrite is neither true or false nor' err
