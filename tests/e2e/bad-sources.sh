# SPDX-License-Identifier: Apache-2.0
# What sealing does with trees that lead astray: links that go round, leave the
# root or lead to nothing, and libraries behind them. The rest of the bad input
# is in build.sh, builders.sh, libraries.sh, settings.sh and disk-full.sh.
# test: once
. "$LIB"

mkdir tmp b src
export TMPDIR="$TMP/tmp" XDG_CACHE_HOME="$TMP/cache" MAYFLY_BUILDERS="$TMP/b"
CC=${CC:-gcc}

# nothing_left WHAT
nothing_left() {
	[ -z "$(ls "$TMPDIR")" ] || fail "$1 left $(ls "$TMPDIR") in TMPDIR"
	for f in *.img *.img.*; do
		[ ! -e "$f" ] || fail "$1 left $f"
	done
}

# links IMAGE: its symbolic links
links() {
	"$MAYFLY" inspect --json "$1" | python3 -c 'import json, sys
print(*[f["path"] for f in json.load(sys.stdin)["files"]
        if f["type"] == "l"], sep="\n")'
}

cp "$PROGS/hello.musl" hello

# What is named on the command line goes round in a circle.
ln -s b-loop a-loop
ln -s a-loop b-loop
expect_status 126 "$MAYFLY" build a-loop
expect_match '^mayfly: cannot open a-loop: Too many levels of symbolic' err
expect_status 125 "$MAYFLY" build hello --add a-loop
expect_match '^mayfly: cannot add a-loop: Too many levels of symbolic' err
expect_status 125 "$MAYFLY" build hello --add none
expect_match '^mayfly: cannot add none: No such file' err
nothing_left 'a loop'

# An image in the place of something else.
cp hello same
expect_status 125 "$MAYFLY" build same -o same
expect_match 'replace its own source same' err
cmp hello same || fail 'the source is gone'
mkfifo pipe
expect_status 125 "$MAYFLY" build hello -o pipe
expect_match 'cannot write pipe: it is there and not a regular file' err
[ -p pipe ] || fail 'the pipe is gone'
rm pipe same

# What no start could take is not sealed, and nothing is dropped.
# shellcheck disable=SC2046 # words
expect_status 125 "$MAYFLY" build hello -- $(seq 1 1100)
expect_match 'at most 1024' err
expect_status 125 "$MAYFLY" build hello -- "$(printf 'caf\351')"
expect_match 'is not UTF-8' err
nothing_left 'what cannot be sealed'
printf 'memory: 70g\n' >big.yaml
expect_status 125 "$MAYFLY" build --config big.yaml hello
expect_match 'big.yaml:1:.*memory is above 64g' err
mkdir odd
echo x >"odd/$(printf 'x\377y')"
"$MAYFLY" build hello --add odd:/odd -o odd.img >/dev/null
"$MAYFLY" inspect --json odd.img >out
expect_match 'odd/x.*xffy' out
rm -r odd odd.img big.yaml

# Links in what is added: kept if they lead to something in the image, or to
# what exists only when a program runs, or if they lead to nothing here as
# well; left out if they lead out of what was given.
mkdir -p add/sub
echo text >add/file
echo secret >outside
ln -s file add/inside
ln -s sub add/dir
ln -s /bin/busybox add/absolute
ln -s "$TMP/outside" add/temporary
ln -s ../../outside add/sub/relative
ln -s /etc/hosts add/standard
ln -s /dev/stderr add/log
ln -s /none/at/all add/broken
ln -s loop2 add/loop1
ln -s loop1 add/loop2
ln -s self add/sub/self
expect_status 0 "$MAYFLY" build hello --add add:/srv/add
expect_match '^mayfly: links are left out, for what they lead to is not in '\
'the image \(--add puts it there\): /srv/add/absolute and 1 more$' err
expect_match '^mayfly: links go round in a circle: /srv/add/loop1 and 2 more$' \
	err
[ "$(wc -l <err)" = 2 ] || fail "said: $(cat err)"
links hello.img | sort >list
cat >want <<'END'
/srv/add/broken
/srv/add/dir
/srv/add/inside
/srv/add/log
/srv/add/loop1
/srv/add/loop2
/srv/add/standard
/srv/add/sub/self
/srv/add/temporary
END
diff want list || fail 'other links'
! grep -q secret hello.img || fail 'a file from outside came along'
# Given as well, it is found.
expect_status 0 "$MAYFLY" build hello --add add:/srv/add --add /bin/busybox \
	--add outside:/srv/outside
links hello.img >list
expect_match '^/srv/add/absolute$' list
expect_match '^/srv/add/sub/relative$' list
rm hello.img

# tree: a builder whose tree is made by the lines of stdin
tree() {
	mkdir -p b/tree
	printf '#!/bin/sh\nfalse\n' >b/tree/detect
	{
		echo '#!/bin/sh -eu'
		echo 'R=$2/rootfs; mkdir -p "$R/bin"'
		echo "cp '$TMP/hello' \"\$R/bin/hello\""
		echo 'echo "{\"args\": [\"hello\"]$MORE}" >"$2/config.json"'
		cat
	} >b/tree/build
	chmod +x b/tree/*
}
export MORE=

# A tree that is complete keeps its links, and nobody writes through them.
mkdir victim victim/etc victim/var
for link in "$TMP/victim/etc \$R/etc" /none/at/all\ "\$R/etc" \
	"../../../../../../../../../../../../../..$TMP/victim/var \$R/var" \
	'etc $R/etc'; do
	echo "ln -s $link" | tree
	expect_status 125 "$MAYFLY" build src --builder tree -o t.img
	expect_match '^mayfly: cannot put /(etc|var/lib) into the image: a '\
'symbolic link that leads nowhere is in its way$' err
	nothing_left "$link"
done
tree <<SH
mkdir -p "\$R$TMP/victim/etc" "\$R$TMP/victim/var"
ln -s "$TMP/victim/etc" "\$R/etc"
ln -s ../../../../../../../../../../../../../..$TMP/victim/var "\$R/var"
ln -s / "\$R/root"
ln -s /bin/busybox "\$R/absolute"
ln -s "$TMP/outside" "\$R/temporary"
ln -s loop "\$R/loop"
SH
expect_status 0 "$MAYFLY" build src --builder tree -o t.img
[ ! -s err ] || fail "said: $(cat err)"
made=$(find victim -mindepth 2)
[ -z "$made" ] || fail "made $made"
! grep -q secret t.img || fail 'a file from outside came along'
links t.img >list
for l in /etc /var /root /absolute /temporary /loop; do
	expect_match "^$l\$" list
done
expect_status 3 "$MAYFLY" run --substrate process t.img
rm t.img

# The same where the libraries of this machine complete it.
MORE=', "libraries": true'
expect_status 0 "$MAYFLY" build src --builder tree -o t.img
expect_match 'links are left out, .*: /absolute$' err
expect_match 'links go round in a circle: /loop$' err
rm t.img
MORE=

# The program, its interpreter and its library behind links.
program() {
	expect_status 126 "$MAYFLY" build src --builder tree -o t.img
	expect_match "$1" err
	nothing_left "$1"
}
tree <<SH
rm "\$R/bin/hello"; ln -s "$TMP/hello" "\$R/bin/hello"
SH
program 'the program hello is not in the image'
tree <<SH
rm "\$R/bin/hello"; ln -s hello "\$R/bin/hello"
SH
program 'the program hello (is not in the image|of the image .* a circle)'
tree <<SH
cp /bin/true "\$R/bin/hello"; mkdir "\$R/lib64"
ln -s ld-linux-x86-64.so.2 "\$R/lib64/ld-linux-x86-64.so.2"
SH
program 'hello wants the interpreter /lib64/ld-linux-x86-64.so.2, which is not '
tree <<SH
printf '#!/bin/interp\n' >"\$R/bin/hello"
ln -s interp "\$R/bin/interp"
SH
program 'the script /bin/hello wants the interpreter /bin/interp, which is not'

# A library that is a circle is a missing one, with who wants it.
echo 'int f(void); int f(void) { return 0; }' >lib.c
$CC -shared -fPIC -o libround.so lib.c
echo 'int f(void); int main(void) { return f(); }' >prog.c
$CC -o needs prog.c ./libround.so -Wl,-rpath,/srv/lib
$CC -shared -fPIC -o libround.so -Wl,-soname,libround.so lib.c
$CC -o needs prog.c libround.so -Wl,-rpath,/srv/lib
mkdir lib
ln -s libround.so lib/libround.so
expect_status 126 "$MAYFLY" build needs --add lib:/srv/lib
expect_match '^mayfly: the library libround.so is missing, which .*/needs '\
'wants; install it, or give it with --add' err
[ ! -e needs.img ] || fail 'an image without its library'
rm lib/libround.so
ln -s ../real/libround.so lib/libround.so
mkdir real
cp libround.so real/
expect_status 126 "$MAYFLY" build needs --add lib:/srv/lib
expect_match 'the library libround.so is missing' err
expect_status 0 "$MAYFLY" build needs --add lib:/srv/lib --add real:/srv/real
expect_status 0 "$MAYFLY" run --substrate process needs.img
