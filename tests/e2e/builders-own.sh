# SPDX-License-Identifier: Apache-2.0
# A builder of the user's: the one that docs/builders.md shows, as it stands
# there.
# test: timeout 120
. "$LIB"

mkdir tmp home
export TMPDIR="$TMP/tmp" XDG_CACHE_HOME="$TMP/cache" HOME="$TMP/home"
unset XDG_CONFIG_HOME MAYFLY_BUILDERS

# shown FILE: what the document shows under that name
shown() {
	sed -n "/^\`lua\/$1\`:\$/,/^\`\`\`\$/p" "$SRC/docs/builders.md" |
		sed '1,/^```sh$/d; $d'
}

mkdir -p theirs/lua src/lib
for program in detect build; do
	shown $program >theirs/lua/$program
	expect_match '^#!/bin/sh$' theirs/lua/$program
	chmod +x theirs/lua/$program
done
cat >src/main.lua <<'LUA'
package.path = "./?.lua"
print(require("lib.greet")(arg[0]))
LUA
echo 'return function(s) return "Hello from " .. s .. ", " .. _VERSION end' \
	>src/lib/greet.lua
echo 'secret' >src/notes.txt

# Nobody knows Lua yet.
expect_status 126 run src
expect_match 'no builder knows what to do with it' err

# In a directory that MAYFLY_BUILDERS names, then in the user's own place.
expect_status 0 env MAYFLY_BUILDERS="$TMP/none:$TMP/theirs" \
	"$MAYFLY" build src -o first.img
mkdir -p home/.config/mayfly
mv theirs home/.config/mayfly/builders
expect_status 0 run src
[ "$(cat out err)" = 'Hello from main.lua, Lua 5.4' ] ||
	fail "said: $(cat out err)"

# From another place the same, and only what is needed.
mkdir -p 'an other/place'
cp -R src 'an other/place/'
expect_status 0 "$MAYFLY" build 'an other/place/src' -o second.img
cmp first.img second.img
expect_status 0 "$MAYFLY" inspect first.img
expect_match ' /app/lib/greet.lua$' out
expect_match ' /lib64/ld-linux-x86-64.so.2$' out
! grep -q notes.txt out || fail 'notes.txt is in the image'

# A change is seen.
echo 'return function() return "changed" end' >src/lib/greet.lua
expect_status 0 run src
expect_match '^changed$' out

# On a terminal the steps are shown, one over the other, and gone at the end.
rm -r cache
expect_status 0 script -qec "'$MAYFLY' build src" typescript
tr '\r' '\n' <out >lines
expect_match 'Copying lua5.4$' lines
expect_match 'writing the image$' lines
expect_match '^.\[Ksha256:[0-9a-f]+  src.img  [0-9]+ bytes$' lines
[ -z "$(ls "$TMPDIR")" ] || fail "left: $(ls "$TMPDIR")"
