# SPDX-License-Identifier: Apache-2.0
# How builders are found, chosen and run, and what becomes of their output.
# test: once
. "$LIB"

mkdir tmp b home src
export TMPDIR="$TMP/tmp" XDG_CACHE_HOME="$TMP/cache" HOME="$TMP/home"
export MAYFLY_BUILDERS="$TMP/b"
unset XDG_CONFIG_HOME

# builder DIR DETECT: a builder of that directory; build is stdin
builder() {
	mkdir -p "$1"
	printf '#!/bin/sh\n%s\n' "$2" >"$1/detect"
	{
		echo '#!/bin/sh -eu'
		cat
	} >"$1/build"
	chmod +x "$1/detect" "$1/build"
}

# tree TEXT: the lines of a build that gives a program that prints TEXT
tree() {
	cat <<END
mkdir -p "\$2/rootfs/bin"
cp /bin/busybox "\$2/rootfs/bin/busybox"
echo '{"args": ["busybox", "echo", "$1"]}' >"\$2/config.json"
END
}

# says TEXT: the last run printed it
says() {
	expect_match "^$1\$" out
}

# nothing_left: in TMPDIR, or of an image
nothing_left() {
	[ -z "$(ls "$TMPDIR")" ] || fail "$1 left $(ls "$TMPDIR")"
	for f in *.img *.img.*; do
		[ ! -e "$f" ] || fail "$1 left $f"
	done
}

run_src() {
	expect_status 0 "$MAYFLY" run --substrate process src
}

yes='echo "it is $1"'
tree one | builder b/one '[ -f "$1/one" ] && echo "a file one"'
expect_status 126 "$MAYFLY" build src
expect_match 'src is neither an ELF program nor a mayfly image, and no' err
touch src/one
run_src
says one
[ ! -s err ] || fail "said: $(cat err)"

# Two that match: the first in the order of names, and a line that says so.
tree two | builder b/two '[ -d "$1" ] && echo "a directory"'
touch src/changed
run_src
expect_match '^mayfly: built by one \(a file one\); also possible: two \(a '\
'directory\); --builder or mayfly.yaml decides$' err
says one
expect_status 0 "$MAYFLY" build src --builder two -o two.img
expect_status 0 "$MAYFLY" run --substrate process two.img
says two
rm two.img

# A user's builder replaces another of its name in a later place.
tree mine | builder home/.config/mayfly/builders/one "$yes"
tree third | builder home/.config/mayfly/builders/third "$yes"
expect_status 0 "$MAYFLY" build src -o x.img
expect_match 'built by one .*; also possible: two .*, third \(it is' err
rm -r home/.config x.img

# Unknown.
expect_status 125 "$MAYFLY" build src --builder tow
expect_match '^mayfly: there is no builder tow; there are: one, two' err
nothing_left 'an unknown builder'

# One that fails: its output, its status; nothing else.
builder b/three "[ -f \"\$1/three\" ] && echo three" <<'SH'
echo "step: making it"
echo "compiling"
echo "error: no" >&2
exit 7
SH
mkdir src3
touch src3/three
expect_status 1 "$MAYFLY" build src3 --builder three
[ "$(cat err)" = 'compiling
error: no
mayfly: the builder three failed with status 7; nothing was sealed' ] ||
	fail "said: $(cat err)"
expect_status 125 "$MAYFLY" run --substrate process src3 --builder
nothing_left 'a builder that failed'
expect_status 1 "$MAYFLY" build -v src3 --builder three
expect_match '^mayfly: making it$' err
rm -r b/three

# One that cannot tell.
builder b/three 'exit 9' </dev/null
expect_status 125 "$MAYFLY" build src
expect_match 'the builder three cannot tell .*: its program detect ended '\
'with status 9' err

# Bad output.
bad() {
	reason=$1
	builder b/three 'false'
	expect_status 125 "$MAYFLY" build src --builder three
	expect_match "$reason" err
	nothing_left "$reason"
}
echo 'mkdir "$2/rootfs"' | bad 'the builder three left no config.json'
echo 'echo "{}" >"$2/config.json"' | bad 'cannot open .*rootfs: No such file'
echo 'mkdir "$2/rootfs"; echo "{}" >"$2/config.json"' |
	bad 'it has no "args"'
echo 'mkdir "$2/rootfs"; echo "{\"argv\": []}" >"$2/config.json"' |
	bad 'unknown member "argv"'
echo 'mkdir "$2/rootfs"; echo "{\"args\": [1]}" >"$2/config.json"' |
	bad '"args" is not a list of strings'
echo 'mkdir "$2/rootfs"; echo "{\"args\": [\"x\"], \"ports\": [0]}" \
	>"$2/config.json"' | bad '"ports" holds something else'
echo 'mkdir "$2/rootfs"; echo "{\"args\": [\"x\"], \"args_default\": 2}" \
	>"$2/config.json"' | bad '"args_default" is more than there are'
echo 'mkdir "$2/rootfs"; echo "{\"args\": [], \"args_default\": \"1\"}" \
	>"$2/config.json"' | bad '"args_default" is not a number of arguments'
echo 'mkdir "$2/rootfs"; echo "{\"args\": [], \"user\": {\"uid\": 1}}" \
	>"$2/config.json"' | bad '"user" is not an object with the numbers uid'
echo 'mkdir "$2/rootfs"; echo "{\"args\": [], \"stop_signal\": 0}" \
	>"$2/config.json"' | bad '"stop_signal" is not a number from 1 to 64'
echo 'mkdir "$2/rootfs"; ln -s /etc "$2/config.json"' |
	bad 'left no config.json: Too many'

# What a tree may hold, and what becomes of the rest.
program() {
	builder b/three 'false'
	expect_status "$1" "$MAYFLY" build src --builder three -o t.img
}
program 126 <<'SH'
mkdir "$2/rootfs"; echo '{"args": ["none"]}' >"$2/config.json"
SH
expect_match 'the program none is not in the image' err
program 126 <<'SH'
mkdir "$2/rootfs"; echo '{"args": ["/a"]}' >"$2/config.json"
ln -s b "$2/rootfs/a"; ln -s a "$2/rootfs/b"
SH
expect_match 'the program /a .* go round in a circle' err
program 126 <<'SH'
mkdir "$2/rootfs"; echo '{"args": ["/a"]}' >"$2/config.json"
ln -s /bin/true "$2/rootfs/a"
SH
expect_match 'the program /a is not in the image' err
program 125 <<'SH'
mkdir -p "$2/rootfs/.mayfly"; echo '{"args": ["/a"]}' >"$2/config.json"
SH
expect_match "directory /.mayfly, which is mayfly's own" err
program 126 <<'SH'
mkdir -p "$2/rootfs"; echo '{"args": ["/a"]}' >"$2/config.json"
printf '#!/bin/none -x\n' >"$2/rootfs/a"
SH
expect_match 'the script /a wants the interpreter /bin/none, which is not' err
program 126 <<'SH'
mkdir -p "$2/rootfs"; echo '{"args": ["/a"]}' >"$2/config.json"
printf '#!/a\n' >"$2/rootfs/a"
SH
expect_match 'name each other as interpreters' err
program 126 <<SH
mkdir -p "\$2/rootfs"; echo '{"args": ["/a"]}' >"\$2/config.json"
cp /bin/true "\$2/rootfs/a"
SH
expect_match 'wants the interpreter /lib64/ld-linux-x86-64.so.2, which is '\
'not in the image' err
nothing_left 'a bad tree'

program 0 <<SH
mkdir -p "\$2/rootfs/opt/real" "\$2/rootfs/usr/bin" "\$2/rootfs/etc"
cp /bin/busybox "\$2/rootfs/opt/real/prog"
chmod 4755 "\$2/rootfs/opt/real/prog"
ln -s /opt/real "\$2/rootfs/usr/lib"
ln -s ../../../../../usr/lib/prog "\$2/rootfs/usr/bin/interp"
printf '#!/usr/bin/env -S interp  arg \n' >"\$2/rootfs/usr/bin/script"
mkfifo "\$2/rootfs/fifo"
[ "\$(id -u)" != 0 ] || mknod "\$2/rootfs/null" c 1 3
mkdir "\$2/rootfs/locked"
echo x >"\$2/rootfs/locked/x"
chmod 0 "\$2/rootfs/locked/x" "\$2/rootfs/locked"
echo '{"args": ["script", "more"], "env": ["A=b"], "cwd": "/etc",
	"ports": [80, "80/tcp", "53/udp"]}' >"\$2/config.json"
SH
expect_match '^mayfly: left out of the image, .* or pipes: /(fifo|null)' err
expect_match '^mayfly: setuid and setgid bits are dropped: /opt/real/prog$' err
"$MAYFLY" inspect --json t.img | python3 -c '
import json, sys
s = json.load(sys.stdin)
m, files = s["manifest"], {f["path"]: f for f in s["files"]}
assert m["program"] == "/opt/real/prog", m
assert m["args"] == ["interp", "arg", "/usr/bin/script", "more"], m
assert m["ports"] == ["80/tcp", "53/udp"] and m["cwd"] == "/etc", m
assert m["env"][-1] == "A=b"
assert "/fifo" not in files and "/null" not in files
assert files["/opt/real/prog"]["mode"] == "0755"
assert files["/locked/x"]["mode"] == "0400"
'
rm t.img

# What was read is noticed when it changes, and not seen as changed else.
sealed() {
	find cache/mayfly/sealed -name '*.inputs' -newer stamp | wc -l
}
rm -rf cache b/two b/three
echo data >outside
builder b/one '[ -f "$1/one" ] && echo one' <<SH
$(tree one)
echo "$TMP/outside" >"\$2/inputs"
SH
run_src
for change in 'touch src/new' 'rm src/new' 'echo x >outside' \
	'echo >>b/one/build' 'mkdir src/sub' 'touch src/sub/y'; do
	touch stamp
	run_src
	[ "$(sealed)" = 0 ] || fail "built again before: $change"
	sleep 0.02
	eval "$change"
	run_src
	[ "$(sealed)" = 1 ] || fail "not built again after: $change"
done
touch stamp
mkdir -p src/.git
run_src
touch stamp src/.git/index
run_src
[ "$(sealed)" = 0 ] || fail 'built again after a change in .git'

# Variables that decide how things are built, and others.
for change in OTHER=1 MAYFLY_X=1 CFLAGS=-g PIP_NO_INDEX=1; do
	touch stamp
	eval "export $change"
	run_src
	[ "$(sealed)" = "$([ $change = OTHER=1 ] && echo 0 || echo 1)" ] ||
		fail "with $change: $(sealed) builds"
	unset "${change%=*}"
	touch stamp
	run_src
	[ "$(sealed)" = 0 ] || fail "built again without $change"
done

# Building in the source's own directory: the image is no part of the next.
cd src
builder ../b/one '[ -f "$1/one" ] && echo one' <<SH
$(tree one)
cp -R "\$1" "\$2/rootfs/src"
SH
expect_status 0 "$MAYFLY" build .
rm out err
[ -f src.img ] || fail 'no src.img'
"$MAYFLY" build . >../first
"$MAYFLY" build . >../second 2>../said
cmp ../first ../second
expect_match 'mayfly images are left out: /src/src.img' ../said
rm src.img
cd ..

# What a builder is given, and what it leaves running.
mkdir -p here asked
ln -s ../src asked/link
echo 'entry: from-the-file' >src/mayfly.yaml
cat >want <<END
source=$TMP/src
out=0
stdin=/dev/null
umask=0022
cwd=$TMP/here
locale=C.UTF-8 UTC
entry=from-the-file
libexec=yes
cache=yes
own=as it was
END
builder b/one '[ -f "$1/one" ] && echo one' <<SH
{
	echo "source=\$1"
	echo "out=\$(ls "\$2" | wc -l)"
	echo "stdin=\$(readlink /proc/self/fd/0)"
	echo "umask=\$(umask)"
	echo "cwd=\$PWD"
	echo "locale=\$LC_ALL \$TZ"
	echo "entry=\$MAYFLY_ENTRY"
	[ ! -x "\$MAYFLY_LIBEXEC/mayfly-unpack" ] || echo "libexec=yes"
	[ ! -w "\$MAYFLY_CACHE_DIR" ] || echo "cache=yes"
	echo "own=\$OWN"
} >"$TMP/have"
sleep 1000 >/dev/null 2>&1 &
echo \$! >"$TMP/pid"
echo "warning: what the user should know"
echo "unimportant"
$(tree one)
SH
export OWN='as it was'
(umask 077 && cd here &&
	expect_status 0 "$MAYFLY" build ../asked/link -o ../x.img) || exit 1
diff want have
[ "$(cat here/err)" = 'mayfly: what the user should know' ] ||
	fail "said: $(cat here/err)"
! runs "$(cat pid)" || fail 'what the builder started is left'
rm -r src/mayfly.yaml x.img asked here

# mayfly run says with another status that it failed.
builder b/one '[ -f "$1/one" ] && echo one' <<SH
echo "it is broken"
kill -KILL \$\$
SH
expect_status 125 "$MAYFLY" run --substrate process src
[ "$(cat err)" = 'it is broken
mayfly: the builder one was ended by signal 9; nothing was sealed' ] ||
	fail "said: $(cat err)"

# A signal ends the builder and what it started, and leaves nothing.
builder b/one '[ -f "$1/one" ] && echo one' <<SH
sleep 1000 &
echo \$! >"$TMP/pids"
echo \$\$ >>"$TMP/pids"
: >"$TMP/started"
while :; do sleep 0.1; done
SH
for signal in TERM HUP; do
	rm -f started
	"$MAYFLY" build src >out 2>err &
	PID=$!
	until_true 10 test -e started
	kill -$signal $PID
	got=0
	wait $PID || got=$?
	[ "$got" -gt 128 ] || fail "SIG$signal: status $got"
	# shellcheck disable=SC2046
	wait_gone $(cat pids)
	nothing_left "SIG$signal"
done

# agree TEXT: the digests of two builds are one
agree() {
	[ "$(cut -d ' ' -f 1 first)" = "$(cut -d ' ' -f 1 second)" ] ||
		fail "$1"
}

# mayfly's own way with programs and the builder static agree.
cp "$PROGS/hello.musl" hello
"$MAYFLY" build hello -o 1.img >first
"$MAYFLY" build hello -o 2.img --builder static >second
agree 'static differs'
cp /bin/true dyn
"$MAYFLY" build dyn -o 1.img >first
"$MAYFLY" build dyn -o 2.img --builder static >second
agree 'static differs'

# A script.
printf '#!/bin/sh\necho "$0" "$@"\n' >script
expect_status 0 "$MAYFLY" build script -- one
expect_status 0 "$MAYFLY" run --substrate process script.img two
[ "$(cat out)" = '/bin/script one two' ] || fail "a script: $(cat out err)"
printf '#!/usr/bin/env none\n' >script
expect_status 1 "$MAYFLY" build script
expect_match 'the script .*/script wants an interpreter that is not here' err
