# SPDX-License-Identifier: Apache-2.0
# Applets that do not fork print the same here and in the guest.
. "$LIB"

awk 'BEGIN { for (i = 0; i < 2000; i++) print i % 97, "word" i, i * i }' >in

# same APPLET ARGS...: with `in` as standard input
same() {
	want=0
	got=0
	"$PROG" "$@" <in >out.native 2>err.native || want=$?
	run "$PROG" "$@" <in >out.guest 2>err.guest || got=$?
	[ "$want" = "$got" ] ||
		fail "$*: status $got, want $want: $(cat err.guest)"
	cmp out.native out.guest || fail "$*: output differs"
}

same echo one two
same printf '%5d|%-5s|%x\n' 42 ab 255
same cat
same wc
same md5sum
same sha1sum
same sha256sum
same sha512sum
same cksum
same sum
same sort
same sort -n -r -k 3
same uniq -c
same head -n 3
same tail -n 3
same tr a-z A-Z
same cut -d ' ' -f 2
same sed -n 's/word\([0-9]*5\) /<\1>/p'
same awk '{ s += $3 } END { print s, NR }'
same grep -c 'word1.*9$'
same grep -n word77
same egrep '^(1|2) word'
same tac
same rev
same nl
same fold -w 20
same expand
same paste - - -
same od -c
same hexdump -C
same xxd
same base64
same gzip -c -n
same bzip2 -c
same strings
same seq 1 3 40
same factor 1234567890
same expr 6 '*' 7
same dc -e '2 100 ^ p'
same date -u -d @86400
same cal 1 2024
same basename /a/b/c.txt .txt
same dirname /a/b/c
same uname -s -m
same true
same false
same test 3 -gt 2
same '[' 3 -gt 5 ']'
same ls /nothing
same cat /nothing
same sleep 0.01
same yes --help
same sh -c 'x=0; while [ $x -lt 1000 ]; do x=$((x + 1)); done; echo $x'
same sh -c 'cd /tmp && echo text >f && read a <f && echo "[$a]"; rm f'
same sh -c 'for f in a b c; do echo $f; done; exit 9'
same nothing-of-the-kind

# The guest's own files, that the host does not have.
run "$PROG" sh -c 'cd /tmp && : >f && : >g && echo * && echo /tmp/*' >out
[ "$(cat out)" = "$(printf 'f g\n/tmp/f /tmp/g')" ] || fail "globs: $(cat out)"
run "$PROG" ls /proc/self/fd >/dev/null
run "$PROG" find /tmp >out
expect_match '^/tmp$' out
run "$PROG" stat -c %F /tmp >out
expect_match '^directory$' out
