# SPDX-License-Identifier: Apache-2.0
# The builder c: Makefiles, single files, the ways to link, and mistakes.
# test: once
# test: no-san
# test: timeout 300
. "$LIB"
. "$SRC/tests/builders.sh"

# linked FILE: how it was linked, and that it runs here
linked() {
	"$1" >ran || fail "$1 does not run"
	if readelf -l "$1" | grep -q INTERP; then
		echo dynamic
	elif readelf -s "$1" | grep -q ' __libc_setup_tls$'; then
		echo glibc
	else
		echo musl
	fi
}

expect_linked() {
	[ "$(linked "$1")" = "$2" ] || fail "$1 is linked: $(linked "$1")"
}

# A single file, by itself and in a directory.
mkdir one
cat >one/one.c <<'END'
#include <stdio.h>
int main(void)
{
	puts(__FILE__ " " __DATE__);
	return 0;
}
END
expect_detected c one
expect_detected c one/one.c
expect_built c one '"args": \["/bin/one"\]'
expect_linked tree/rootfs/bin/one musl
expect_match '^./one.c Jan  1 2000$' ran
expect_built c one/one.c '"libraries": true'

# What musl has no header for takes the system's library, what has no static
# library the dynamic one.
mkdir glibc
cat >glibc/glibc.c <<'END'
#include <sys/queue.h>
#include <gnu/libc-version.h>
#include <stdio.h>
int main(void)
{
	puts(gnu_get_libc_version());
	return 0;
}
END
expect_built c glibc /bin/glibc
expect_linked tree/rootfs/bin/glibc glibc
mkdir dynamic
cat >dynamic/greet.c <<'END'
int greet(void);
int greet(void) { return 0; }
END
gcc -shared -o libgreet.so dynamic/greet.c
cat >dynamic/greet.c <<'END'
#include <gnu/libc-version.h>
int greet(void);
int main(void) { return greet(); }
END
LDFLAGS="-L$TMP -lgreet -Wl,-rpath,$TMP"
export LDFLAGS
build_by c dynamic || fail "$(cat said)"
unset LDFLAGS
expect_linked tree/rootfs/bin/dynamic dynamic

# A Makefile, with debug information and what an earlier make left: objects
# for another library, a program that was not made from this source.
mkdir made
cp one/one.c made/one.c
cat >made/Makefile <<'END'
CFLAGS = -g
served: one.o
	$(CC) -o $@ $^
END
gcc -c -o made/one.o made/one.c
cp /bin/true made/served
expect_detected c made
expect_built c made '"/bin/served"'
expect_linked tree/rootfs/bin/served musl
expect_match '^one.c Jan  1 2000$' ran
! readelf -S tree/rootfs/bin/served | grep -q debug_info ||
	fail "debug information is still there"
readelf -s tree/rootfs/bin/served | grep -q 'FUNC.* main$' ||
	fail "symbols are gone"

# CC decides.
export CC=gcc
expect_built c made '"/bin/served"'
expect_linked tree/rootfs/bin/served dynamic
unset CC

# C++ is never linked with objects of musl-gcc.
mkdir cxx
cat >cxx/cxx.cc <<'END'
#include <iostream>
extern "C" int answer(void);
int main() { std::cout << answer() << std::endl; }
END
echo 'int answer(void) { return 42; }' >cxx/answer.c
printf '%s\n' 'cxx: cxx.o answer.o' '	$(CXX) -o $@ $^' >cxx/Makefile
expect_built c cxx '"/bin/cxx"'
expect_linked tree/rootfs/bin/cxx glibc

# A single C++ file, by itself and in a directory.
rm cxx/answer.c cxx/Makefile
cat >cxx/cxx.cc <<'END'
#include <iostream>
#include <stdexcept>
int main()
{
	try {
		throw std::runtime_error(__FILE__ " " EXTRA);
	} catch (const std::exception &e) {
		std::cout << e.what() << std::endl;
	}
}
END
expect_detected c cxx
expect_detected c cxx/cxx.cc
export CXXFLAGS='-DEXTRA="flags"'
expect_built c cxx '"/bin/cxx"'
expect_linked tree/rootfs/bin/cxx glibc
expect_match '^./cxx.cc flags$' ran
expect_built c cxx/cxx.cc '"/bin/cxx"'
unset CXXFLAGS
expect_failed c cxx/cxx.cc 'EXTRA'
cp one/one.c cxx/
expect_status 1 "$BUILDERS/c/detect" cxx

# A program with shared libraries of its own, the one by the other.
mkdir libs
echo 'int inner(void); int inner(void) { return 6; }' >libs/inner.c
cat >libs/outer.c <<'END'
int inner(void);
int outer(void);
int outer(void) { return 7 * inner(); }
END
cat >libs/libs.c <<'END'
#include <stdio.h>
int outer(void);
int main(void) { printf("%d\n", outer()); return 0; }
END
cat >libs/Makefile <<'END'
libs: libs.c libouter.so.1
	$(CC) -o $@ $^ -Wl,-rpath,'$$ORIGIN' -Wl,-rpath-link,lib
libouter.so.1: outer.c lib/libinner.so
	$(CC) -shared -fPIC -Wl,-soname,$@ -o $@ $^
lib/libinner.so: inner.c
	mkdir -p lib
	$(CC) -shared -fPIC -Wl,-soname,libinner.so -o $@ $^
END
expect_built c libs '"/bin/libs"'
ls tree/rootfs/usr/lib >files
[ "$(paste -s -d ' ' files)" = 'libinner.so libouter.so.1' ] ||
	fail "libraries: $(cat files)"
for s in process kvm; do
	expect_status 0 "$MAYFLY" build libs -o libs.img
	[ $s = process ] || [ -w /dev/kvm ] || continue
	expect_status 0 "$MAYFLY" run --substrate $s libs.img
	expect_match '^42$' out
done

# Several programs: the one called like the directory, or as told.
mkdir many
cp one/one.c many/first.c
cp one/one.c many/second.c
printf 'all: first second\n' >many/Makefile
expect_failed c many \
	'several programs \(first, second\) and none is called many'
export MAYFLY_ENTRY=second
expect_built c many '"/bin/second"'
MAYFLY_ENTRY=third
expect_failed c many 'third names none of the programs built'
unset MAYFLY_ENTRY
mv many first
expect_built c first '"/bin/first"'

# Mistakes.
mkdir bad
echo 'int main(void) { return missing; }' >bad/bad.c
expect_failed c bad "'missing' undeclared"
printf 'all:\n\tfalse\n' >bad/Makefile
expect_failed c bad 'Error 1'
printf 'all:\n\t$(CC) -c bad.c -Dmissing=0\n' >bad/Makefile
expect_failed c bad 'its default goal made no program'
expect_status 1 "$BUILDERS/c/detect" "$SRC/docs"
expect_status 1 "$BUILDERS/c/detect" none
