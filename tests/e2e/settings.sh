# SPDX-License-Identifier: Apache-2.0
# mayfly.yaml: what it changes, what counts more, and what a mistake gets.
# test: once
. "$LIB"

mkdir tmp b app app/conf
export TMPDIR="$TMP/tmp" XDG_CACHE_HOME="$TMP/cache" MAYFLY_BUILDERS="$TMP/b"

# A builder whose program shows what it was given.
for name in first second; do
	mkdir "b/$name"
	printf '#!/bin/sh\n[ -d "$1" ] && echo "a directory"\n' \
		>"b/$name/detect"
	cat >"b/$name/build" <<SH
#!/bin/sh -eu
mkdir -p "\$2/rootfs/bin" "\$2/rootfs/srv"
cp /bin/busybox "\$2/rootfs/bin/busybox"
ln -s busybox "\$2/rootfs/bin/sh"
ln -s busybox "\$2/rootfs/bin/pwd"
ln -s busybox "\$2/rootfs/bin/cat"
cat >"\$2/config.json" <<END
{"args": ["busybox", "echo", "$name", "entry=\${MAYFLY_ENTRY-none}"],
 "env": ["WHO=builder", "KEEP=yes"], "ports": [1]}
END
SH
	chmod +x "b/$name/detect" "b/$name/build"
done

# gives TEXT OPTIONS...: the built image prints it
gives() {
	want_text=$1
	shift
	expect_status 0 "$MAYFLY" build app -o app.img "$@"
	expect_status 0 "$MAYFLY" run --substrate process app.img
	[ "$(cat out)" = "$want_text" ] ||
		fail "got $(cat out), want $want_text"
}

gives 'first entry=none'
echo 'builder: second' >app/mayfly.yaml
gives 'second entry=none'
! grep 'also possible' err || fail 'asked although told'
gives 'first entry=none' --builder first
cat >app/mayfly.yaml <<'END'
builder: second
entry: server
args: [more, "a b"]
port: 8002
memory: 64m
END
gives 'second entry=server more a b'
gives 'second entry=server only' -- only
"$MAYFLY" inspect --json app.img >json
python3 - <<'PY'
import json
m = json.load(open("json"))["manifest"]
assert m["ports"] == ["8002/tcp"], m
assert m["memory"] == 64 << 20, m
PY
# The same in the cache of `run`, which notices a change.
expect_status 0 "$MAYFLY" run --substrate process app
[ "$(cat out)" = 'second entry=server more a b' ] || fail "$(cat out)"
expect_status 0 "$MAYFLY" run --substrate process app x
[ "$(cat out)" = 'second entry=server more a b x' ] || fail "$(cat out)"
sleep 0.02
echo 'builder: first' >app/mayfly.yaml
expect_status 0 "$MAYFLY" run --substrate process app
[ "$(cat out)" = 'first entry=none' ] || fail "$(cat out)"

# command, env, cwd, files; the command line counts more.
echo '{"a": 1}' >app/conf/one.json
cat >app/mayfly.yaml <<'END'
builder: first
command: sh -c 'echo "$WHO $KEEP $NEW"'
env: {WHO: yaml, NEW: "1"}
END
gives 'yaml yes 1'
gives 'me yes 1' -e WHO=me
printf 'builder: first\ncommand: [pwd]\ncwd: /srv\n' >app/mayfly.yaml
gives /srv
cat >app/mayfly.yaml <<'END'
builder: first
command: cat /conf/one.json /srv/two.json
files: [conf, conf/one.json:/srv/two.json]
END
gives '{"a": 1}
{"a": 1}'

# Of another place, for something that is no directory.
cp /bin/busybox busybox
printf 'command: busybox sh -c "echo $A"\nenv:\n  A: b\n' >other.yaml
expect_status 0 "$MAYFLY" build busybox --config other.yaml
expect_status 0 "$MAYFLY" run --substrate process busybox.img
[ "$(cat out)" = b ] || fail "$(cat out)"

# Mistakes.
refused() {
	expect_status "${2-125}" "$MAYFLY" build app -o bad.img
	expect_match "$1" err
	[ "$(wc -l <err)" = 1 ] || fail "more than a line: $(cat err)"
	[ ! -e bad.img ] || fail 'an image'
	[ -z "$(ls tmp)" ] || fail "left: $(ls tmp)"
	expect_status "${2-125}" "$MAYFLY" run --substrate process app
	expect_match "$1" err
}
printf 'port: 80\nbilder: first\n' >app/mayfly.yaml
refused '^mayfly: app/mayfly.yaml:2: there is no key bilder; did you mean '\
'builder\?$'
printf 'builder: nobody\n' >app/mayfly.yaml
refused '^mayfly: app/mayfly.yaml:1: there is no builder nobody; '\
'there are: first, second'
printf 'builder: first\nfiles: [none]\n' >app/mayfly.yaml
refused '^mayfly: app/mayfly.yaml:2: cannot add none: No such file'
printf 'builder: first\n\nno-rewrite: /none\n' >app/mayfly.yaml
refused '^mayfly: app/mayfly.yaml:3: cannot leave /none of the image as it is'
printf 'builder: first\ncwd: /none\n' >app/mayfly.yaml
refused '^mayfly: app/mayfly.yaml:2: cannot work in /none of the image: No such'
printf 'builder: first\ncommand: none\n' >app/mayfly.yaml
refused '^mayfly: app/mayfly.yaml:2: the program none is not in the image$' 126
printf 'builder: first\nfiles: ["conf:relative"]\n' >app/mayfly.yaml
refused 'conf:relative is not HOSTPATH or HOSTPATH:IMAGEPATH'
head -c 70000 /dev/zero >app/mayfly.yaml
refused 'mayfly.yaml is not a file of at most 65536 bytes'
rm app/mayfly.yaml
mkdir app/mayfly.yaml
refused 'mayfly.yaml is not a file'
expect_status 125 "$MAYFLY" build busybox --config none.yaml
expect_match 'cannot open none.yaml: No such file' err
