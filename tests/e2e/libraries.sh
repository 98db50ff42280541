# SPDX-License-Identifier: Apache-2.0
# Dynamic programs: what they load comes along, found as the loader finds it
# and put where the loader of the image looks; what is missing is named.
# test: once
. "$LIB"

export XDG_CACHE_HOME="$TMP/cache"
CC=${CC:-gcc}

# library NAME TEXT OPTIONS...: NAME prints TEXT when it is called
library() {
	name=$1
	text=$2
	shift 2
	printf 'const char *%s(void) { return "%s"; }\n' "$(basename "$name" \
		.so)" "$text" >lib.c
	$CC -shared -fPIC -o "$name" lib.c "$@"
}

# files IMAGE: its files and links
files() {
	"$MAYFLY" inspect --json "$1" | python3 -c 'import json, sys
for f in json.load(sys.stdin)["files"]:
    print(f["type"], f["path"])'
}

# program OUT CALLS OPTIONS...
program() {
	out=$1
	calls=$2
	shift 2
	{
		echo '#include <stdio.h>'
		for f in $calls; do
			echo "const char *$f(void);"
		done
		echo 'int main(void) {'
		for f in $calls; do
			echo "puts($f());"
		done
		echo 'return 0; }'
	} >prog.c
	$CC -o "$out" prog.c "$@"
}

# Run paths of both kinds, tokens, and a library that needs another, which
# only the program's own run path finds.
L=lib/x86_64-linux-gnu
mkdir -p app/bin app/$L
library app/lib/inner.so inner -Wl,-soname,inner.so
printf 'const char *inner(void);
const char *outer(void) { return inner(); }\n' >lib.c
$CC -shared -fPIC -o app/lib/outer.so.1.2 lib.c app/lib/inner.so \
	-Wl,-soname,outer.so.1
ln -s outer.so.1.2 app/lib/outer.so.1
library app/$L/there.so there -Wl,-soname,there.so
program app/bin/rpath 'outer there' app/lib/outer.so.1 app/$L/there.so \
	-Wl,-rpath-link,app/lib \
	-Wl,--disable-new-dtags,-rpath,'$ORIGIN/../lib:${ORIGIN}/../$LIB:/opt/x'
expect_status 0 "$MAYFLY" build app/bin/rpath
files rpath.img >list
expect_match '^- /bin/rpath$' list
expect_match '^- /lib64/ld-linux-x86-64.so.2$' list
expect_match "^- /$L/libc.so.6$" list
expect_match "^- /$L/libgcc_s.so.1$" list
expect_match '^- /lib/outer.so.1$' list
expect_match '^- /lib/inner.so$' list
expect_match "^- /$L/there.so$" list
! grep 'outer.so.1.2' list || fail 'the target of a link came along'
expect_status 0 "$MAYFLY" run --substrate process rpath.img
[ "$(cat out)" = "inner
there" ] || fail "rpath: $(cat out err)"

# DT_RUNPATH counts for who has it alone: the program must have both.
program app/bin/runpath outer app/lib/outer.so.1 -Wl,-rpath-link,app/lib \
	-Wl,--enable-new-dtags,-rpath,'$ORIGIN/../lib'
expect_status 126 "$MAYFLY" build app/bin/runpath
expect_match "the library inner.so is missing, which $TMP/app/lib/outer.so.1 \
wants; install it" err
[ ! -e runpath.img ] || fail 'an image without its library'
program app/bin/runpath 'outer inner' app/lib/outer.so.1 app/lib/inner.so \
	-Wl,--no-as-needed,--enable-new-dtags,-rpath,'$ORIGIN/../lib'
expect_status 0 "$MAYFLY" build app/bin/runpath
expect_status 0 "$MAYFLY" run --substrate process runpath.img
[ "$(tail -n 1 out)" = inner ] || fail "runpath: $(cat out err)"

# A missing library, also of a program that is run; given, it is found.
program needs there app/$L/there.so
for verb in build 'run --substrate process'; do
	expect_status 126 "$MAYFLY" $verb ./needs
	expect_match '^mayfly: the library there.so is missing, which .*needs' \
		err
done
expect_status 0 "$MAYFLY" build needs \
	--add app/$L/there.so:/usr/lib/there.so
expect_status 0 "$MAYFLY" run --substrate process needs.img
[ "$(cat out)" = there ] || fail "with --add: $(cat out err)"

# A missing interpreter.
program strange '' -Wl,-dynamic-linker,/lib64/ld-none.so.7
expect_status 126 "$MAYFLY" build strange
expect_match "strange wants the interpreter /lib64/ld-none.so.7, which is \
not on this machine; install it or link statically" err

# Plug-ins that are added bring theirs; those of another C library, or for
# another machine, are left alone, and only what truly lacks is said.
mkdir plugins
library plugins/helper.so helper -Wl,-soname,helper.so
printf 'const char *helper(void); const char *deflate(void);
const char *plug(void) { return helper(); }\n' >lib.c
$CC -shared -fPIC -o plugins/plug.so lib.c plugins/helper.so \
	-Wl,-rpath,'$ORIGIN'
$CC -shared -fPIC -o plugins/lost.so lib.c app/$L/there.so \
	-Wl,--no-as-needed app/lib/inner.so
rm -f gone.so
library gone.so gone -Wl,-soname,gone.so
$CC -shared -fPIC -o plugins/lacks.so lib.c -Wl,--no-as-needed gone.so
printf '\267\000' >arm
cp plugins/plug.so plugins/arm.so
dd if=arm of=plugins/arm.so bs=1 seek=18 conv=notrunc 2>/dev/null
expect_status 0 "$MAYFLY" build app/bin/rpath -o plug.img --add plugins:/p
expect_match '^mayfly: the library gone.so is missing, which .*lacks.so' err
[ "$(wc -l <err)" = 1 ] || fail "said: $(cat err)"
files plug.img >list
expect_match '^- /p/arm.so$' list

# musl's loader.
if [ -e /lib/ld-musl-x86_64.so.1 ]; then
	echo 'int puts(const char *); int main(void) { puts("musl"); }' >prog.c
	musl-gcc -o muslprog prog.c
	expect_status 0 "$MAYFLY" build muslprog
	files muslprog.img >list
	expect_match '^- /lib/ld-musl-x86_64.so.1$' list
	! grep 'libc.so' list || fail 'the loader twice'
	expect_status 0 "$MAYFLY" run --substrate process muslprog.img
	[ "$(cat out)" = musl ] || fail "musl: $(cat out err)"
fi

# Programs of the system keep their path; a link to one is followed.
expect_status 0 "$MAYFLY" build /bin/true
files true.img >list
expect_match '^- /bin/true$' list
expect_status 0 "$MAYFLY" run --substrate process true.img

# The cache notices when a library changes, and only then seals again.
sealed() {
	find cache/mayfly/sealed -name '*.img' | wc -l
}
rm -rf cache
cd app/bin
expect_status 0 "$MAYFLY" run --substrate process ./rpath
cd ../..
[ "$(sealed)" = 1 ] || fail "sealed $(sealed) images"
expect_status 0 "$MAYFLY" run --substrate process app/bin/rpath
[ "$(sealed)" = 1 ] || fail 'sealed again without a change'
library app/lib/inner.so changed -Wl,-soname,inner.so
expect_status 0 "$MAYFLY" run --substrate process app/bin/rpath
expect_match '^changed$' out
[ "$(sealed)" = 2 ] || fail 'a changed library was not noticed'
