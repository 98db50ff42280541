# SPDX-License-Identifier: Apache-2.0
# Programs of others (tests/programs/) agree with Linux also if nothing in
# their images is rewritten, as they do if it is.
# test: full
# test: no-san
# test: timeout 600
. "$LIB"

for name in sqlite3 lua python node nginx redis; do
	mkdir "$name"
	(
		cd "$name"
		export TMP="$PWD" HERE="$SRC/tests/programs/$name" OUT="" \
			ROWS="$PWD/rows" SEAL_OPTIONS=--no-rewrite
		sh -eu "$HERE/run.sh"
	) >"$name.log" 2>&1 || fail "$name: $(tail -n 20 "$name.log")"
	"$MAYFLY" inspect --syscalls "$name/prog.img" >calls
	expect_match '^ +[0-9]+ +0 +[0-9]+ +total$' calls
	rm -rf "$name"
done
