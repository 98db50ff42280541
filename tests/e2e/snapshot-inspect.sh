# SPDX-License-Identifier: Apache-2.0
# What inspect says of a snapshot; pages that the image has are not stored, and
# are right all the same: in a copy, and in one that was reset.
. "$LIB"

snapshot() {
	"$MAYFLY" snapshot --substrate "$SUBSTRATE" "$@"
}

# member NAME: of what inspect --json printed into out
member() {
	python3 -c 'import json, sys
v = json.load(open("out"))
for k in sys.argv[1].split("."):
    v = v[k]
print(v)' "$1"
}

# A server whose data are a MiB of the image, of which it changes one page
# before it waits and all with every request; it fails if they are not as they
# should be then.
cat >server.c <<'C'
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SIZE (1 << 20)
#define PAGE 4096

__asm__(".data\n.balign 4096\n.globl big\nbig: .incbin \"big.bin\"\n");
extern unsigned char big[SIZE];
static unsigned requests;

static unsigned char original(unsigned i)
{
	return (unsigned char)(i / PAGE * 7 + i % 251 + 1);
}

static int is_right(void)
{
	for (unsigned i = 0; i < SIZE; i++)
		if (big[i] != (unsigned char)(original(i) + requests +
					      (i / PAGE == 5)))
			return 0;
	return 1;
}

static void change(unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		big[i]++;
}

int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(8080) };
	int s = socket(AF_INET, SOCK_STREAM, 0), c;
	char buf[1024];
	const char *say;

	change(5 * PAGE, 6 * PAGE);
	bind(s, (struct sockaddr *)&a, sizeof(a));
	listen(s, 64);
	for (;;) {
		c = accept(s, 0, 0);
		if (read(c, buf, sizeof(buf)) <= 0) {
			close(c);
			continue;
		}
		say = is_right() ? "HTTP/1.1 200 OK\r\n\r\nright\n" :
				   "HTTP/1.1 500 No\r\n\r\nwrong\n";
		change(0, SIZE);
		requests++;
		write(c, say, strlen(say));
		close(c);
	}
}
C
python3 -c '
open("big.bin", "wb").write(bytes((i // 4096 * 7 + i % 251 + 1) & 255
                                  for i in range(1 << 20)))'
musl-gcc -static -O2 -o server server.c
"$MAYFLY" build server -o server.img >/dev/null
snapshot server.img

expect_status 0 "$MAYFLY" inspect --json server.snap
image_bytes=$(member memory.in_image)
stored=$(member memory.stored)
[ "$image_bytes" -ge $((255 * 4096)) ] || fail "only $image_bytes of the image"
[ "$stored" -ge 4096 ] || fail "only $stored stored"
[ "$stored" -lt 700000 ] || fail "$stored are stored"
[ "$(stat -c %s server.snap)" -lt 720000 ] || fail 'the file is large'
[ "$(member size)" = "$(stat -c %s server.snap)" ] || fail 'another size'
[ $((image_bytes + stored + $(member memory.zero))) = \
	"$(member memory.ram)" ] || fail "RAM does not add up: $(cat out)"
[ "$(member substrate)" = "$SUBSTRATE" ] || fail 'another substrate'
[ "$(member image.here)" = True ] || fail 'the image is there'
[ "$(member image.path)" = "$PWD/server.img" ] || fail 'another image'
# What it writes to with a request, which here is all of the MiB.
copies=$(member clone.copies)
set=$(member memory.working_set)
case $SUBSTRATE in
kvm) [ "$set" -ge 1048576 ] && [ "$copies" = "$set" ] ;;
*) [ "$set" = 0 ] && [ "$copies" = $((image_bytes + stored)) ] ;;
esac || fail "copies $copies, working set $set"
[ "$(member cpu.sse2)" = True ] || fail 'no SSE2'

expect_status 0 "$MAYFLY" inspect server.snap
digest=$(python3 -c '
import hashlib
b = bytearray(open("server.snap", "rb").read())
b[16:48] = bytes(32)
print(hashlib.sha256(b).hexdigest())')
expect_match "^digest +sha256:$digest\$" out
expect_match "^stored +$stored bytes\$" out
expect_match "^in image +$image_bytes bytes\$" out
expect_match '^ +it is there$' out
expect_match '^CPU needed .*sse' out

port=$(free_port)
start -p "127.0.0.1:$port:8080" server.snap
wait_port "$port"
for i in 1 2 3; do
	curl -sS -m 5 "http://127.0.0.1:$port/" >got
	expect_match '^right$' got
done
expect_status 0 "$MAYFLY" bench start -p 8080 -n 3 server.snap

# Without its image, and on another CPU.
mv server.img elsewhere.img
expect_status 0 "$MAYFLY" inspect server.snap
expect_match '^ +the image that server.snap was taken of is neither' out
expect_status 0 "$MAYFLY" inspect --json server.snap
[ "$(member image.here)" = False ] || fail 'the image is not there'
python3 - <<'PY'
import hashlib
b = bytearray(open("server.snap", "rb").read())
b[80 + 4 * 7 + 2] |= 0x20  # CPUID 0x80000001 ecx bit 21: TBM
b[16:48] = bytes(32)
b[16:48] = hashlib.sha256(b).digest()
open("cpu.snap", "wb").write(b)
PY
expect_status 0 "$MAYFLY" inspect cpu.snap
expect_match 'tbm \(not here\)' out

# Damage; a table that leads outside, under a digest that is right.
head -c 9000 server.snap >bad.snap
expect_status 125 "$MAYFLY" inspect bad.snap
expect_match 'is truncated' err
cp server.snap bad.snap
printf x | dd of=bad.snap bs=1 seek=6000 conv=notrunc 2>/dev/null
expect_status 125 "$MAYFLY" inspect bad.snap
expect_match 'does not match its digest' err
expect_status 125 "$MAYFLY" inspect --syscalls server.snap
expect_match 'is a snapshot; --syscalls' err
mv elsewhere.img server.img
# field ENTRY OFFSET VALUE: of the table, in bad.snap
field() {
	python3 - "$@" <<'PY'
import hashlib
import struct
import sys
b = bytearray(open("server.snap", "rb").read())
count, table = struct.unpack_from("<IQ", b, 228)
entry = int(sys.argv[1])
entry = entry if entry >= 0 else count + entry
struct.pack_into("<Q", b, table + 32 * entry + int(sys.argv[2]),
                 int(sys.argv[3], 0))
b[16:48] = bytes(32)
b[16:48] = hashlib.sha256(b).digest()
open("bad.snap", "wb").write(b)
PY
	expect_status 125 "$MAYFLY" inspect bad.snap
	expect_match 'bad.snap is malformed' err
	expect_status 125 run bad.snap
	expect_match 'the snapshot is malformed' err
}
field 0 0 0
field 0 0 0x1001
field 0 8 0
field 0 8 0xfffffffffffff000
field 0 16 0
field 0 16 0x7fffffff000
field 0 24 2
field 0 24 0x8000000000000000
field -1 0 0x1000
field -1 8 0x10000000
for i in 1 2 3 4 5; do
	field -$i 16 0xfffffffffffff000
done
