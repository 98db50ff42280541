# SPDX-License-Identifier: Apache-2.0
# A C++ program with Debian's libstdc++.
# test: program C++ (libstdc++)
# test: version g++ -dumpfullversion
. "$SRC/tests/programs/lib.sh"

echo '42 words and the rest' >in
seal "$OUT/work"

part 'exceptions, iostreams, std::thread, std::async, filesystem, regex'
native "$OUT/work" <in
guest prog.img <in
agree

part 'an exception that nobody catches ends it with SIGABRT'
native sh -c '"$1" uncaught; status=$?; echo $status; exit $status' - \
	"$OUT/work"
guest prog.img uncaught
[ "$GUEST" = "$NATIVE" ] || fail "status $GUEST, natively $NATIVE"
expect_match 'terminate called after throwing' guest.err
expect_match 'what\(\):  nobody catches this' guest.err
