# SPDX-License-Identifier: Apache-2.0
# No call is lost, however slow the reader is and however many there are.
# test: timeout 120
. "$LIB"

cat >many.c <<'C'
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	for (int i = 0; i < 100000; i++)
		syscall(SYS_getpid, i);
	for (int i = 0; i < 200; i++)
		write(1, "x", 1);
	return 0;
}
C
musl-gcc -static -O1 -w -o many many.c

# A reader that sleeps before it begins, then reads everything.
"$MAYFLY" trace --substrate "$SUBSTRATE" -e getpid,write ./many 2>&1 >out |
	{ sleep 1; cat; } >trace
[ "$(grep -c '^getpid()  *= 1 <' trace)" = 100000 ] || fail "getpid lost"
[ "$(grep -c '^write(1, "x", 1)' trace)" = 200 ] || fail "write lost"
[ "$(wc -c <out)" = 200 ] || fail "output lost"
[ "$(wc -l <trace)" = 100201 ] || fail "$(wc -l <trace) lines"

# Lines too long for a short buffer, as many bytes as may be shown.
cat >long.c <<'C'
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static char text[64][16384];

int main(void)
{
	struct iovec v[64];

	memset(text, 'a', sizeof(text));
	for (int i = 0; i < 64; i++)
		v[i] = (struct iovec){ text[i], sizeof(text[i]) };
	write(1, text, sizeof(text[0]));
	writev(1, v, 64);
	return 0;
}
C
musl-gcc -static -O1 -w -o long long.c
expect_status 0 "$MAYFLY" trace --substrate "$SUBSTRATE" -s 16384 ./long
[ "$(wc -c <out)" = 1064960 ] || fail "output lost"
python3 - <<'PY'
lines = [l for l in open("err") if l.startswith("write")]
assert lines[0].startswith('write(1, "' + "a" * 16384 + '", 16384)'), lines[0]
# A record has its limits: what it has no room for is shown as an address.
whole = lines[1].count('"' + "a" * 16384 + '"')
addresses = lines[1].count("{iov_base=0x")
assert 3 <= whole < 64 and whole + addresses == 64, (whole, addresses)
PY
