# SPDX-License-Identifier: Apache-2.0
# Debian's Lua with a script and a module.
# test: program Lua
# test: version lua5.4 -v
. "$SRC/tests/programs/lib.sh"

printf '12 rest\nall\nthe others\n' >in
seal /usr/bin/lua5.4 --add "$HERE/work.lua:/app/work.lua" \
	--add "$HERE/mod.lua:/app/mod.lua"
part 'coroutines, closures, errors, garbage collection, files, a module'
cp "$HERE/work.lua" "$HERE/mod.lua" .
native env NAME=value LUA_PATH="$HERE/?.lua" lua5.4 "$HERE/work.lua" <in
guest -e NAME=value -e 'LUA_PATH=/app/?.lua' prog.img /app/work.lua <in
sed -i "s,$HERE/,/app/,g" native.out
agree

part 'an error nobody catches: message and status'
native lua5.4 -e 'error("no more")'
guest prog.img -e 'error("no more")'
[ "$GUEST" = "$NATIVE" ] || fail "status $GUEST, natively $NATIVE"
expect_match 'no more$' guest.err
