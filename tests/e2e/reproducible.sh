# SPDX-License-Identifier: Apache-2.0
# Every example gives the same digest twice: built where it is, and as a copy
# elsewhere by somebody with other settings, without the other's cache.
# test: once
# test: full
# test: timeout 900
. "$LIB"

HOME=$(getent passwd "$(id -u)" | cut -d : -f 6)
export HOME
unset MAYFLY_BUILDERS MAYFLY_ENTRY CC CFLAGS LDFLAGS SOURCE_DATE_EPOCH
export XDG_CONFIG_HOME="$TMP/none"

mkdir one two 'a longer path'
for example in "$SRC"/examples/*/; do
	example=${example%/}
	name=${example##*/}
	TMPDIR="$TMP/one" XDG_CACHE_HOME="$TMP/cache1" "$MAYFLY" build \
		"$example" -o 1.img >first 2>err || fail "$name: $(cat err)"
	(
		cp -R "$example" 'a longer path/'
		find "a longer path/$name" -exec touch -d '2001-02-03' {} +
		cd "a longer path/$name"
		umask 077
		TZ=Asia/Kathmandu LC_ALL=tr_TR.UTF-8 LANG=de_DE COLUMNS=20 \
			TMPDIR="$TMP/two" XDG_CACHE_HOME="$TMP/cache2" \
			"$MAYFLY" build . -o "$TMP/2.img" >"$TMP/second" \
			2>"$TMP/err"
	) || fail "$name elsewhere: $(cat err)"
	first=$(cut -d ' ' -f 1 first)
	echo "$name $first"
	if [ "$first" != "$(cut -d ' ' -f 1 second)" ]; then
		"$MAYFLY" inspect 1.img >1.txt
		"$MAYFLY" inspect 2.img >2.txt
		diff 1.txt 2.txt || true
		fail "two digests of $name"
	fi
	cmp 1.img 2.img
	left=$(find one two -mindepth 1)
	[ -z "$left" ] || fail "$name left $left"
	rm -rf 1.img 2.img "a longer path/$name"
done
