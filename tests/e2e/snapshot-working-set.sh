# SPDX-License-Identifier: Apache-2.0
# The working set: what a first copy writes to until it has answered one
# request. A copy that fails costs the record, never the snapshot.
# test: substrates kvm
. "$LIB"

cat >server.c <<'C'
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SIZE (1 << 20)

static char filled[SIZE], empty[SIZE];

static int count(const char *at, int what)
{
	int n = 0;

	for (int i = 0; i < SIZE; i++)
		n += at[i] == what;
	return n;
}

static void answer(int c, const char *request)
{
	char text[100];

	printf("asked\n");
	fflush(stdout);
	fprintf(stderr, "asked\n");
	if (strstr(request, "/die"))
		exit(3);
	if (strstr(request, "/silent"))
		return;
	sprintf(text, "HTTP/1.1 200 OK\r\n\r\n%d %d\n", count(filled, 'f'),
		count(empty, 0));
	if (strstr(request, "/filled"))
		memset(filled, 'x', SIZE);
	if (strstr(request, "/empty"))
		memset(empty, 'x', SIZE);
	write(c, text, strlen(text));
}

int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(8123) };
	int s = socket(AF_INET, SOCK_STREAM, 0), c;
	char buf[1024];

	memset(filled, 'f', SIZE);
	bind(s, (struct sockaddr *)&a, sizeof(a));
	listen(s, 64);
	for (;;) {
		c = accept(s, 0, 0);
		memset(buf, 0, sizeof(buf));
		if (read(c, buf, sizeof(buf) - 1) > 0)
			answer(c, buf);
		if (!strstr(buf, "/silent"))
			close(c);
	}
}
C
musl-gcc -static -O2 -o server server.c
"$MAYFLY" build server -o server.img >/dev/null

# take OPTION...: server.snap; its working set is in $set
take() {
	"$MAYFLY" snapshot --substrate "$SUBSTRATE" "$@" server.img >out 2>err
	[ ! -s out ] || fail "the copy printed: $(cat out)"
	set=$("$MAYFLY" inspect --json server.snap | python3 -c '
import json, sys
print(json.load(sys.stdin)["memory"]["working_set"])')
}

# answers TEXT: a copy does, and a second request too
answers() {
	port=$(free_port)
	start -p "127.0.0.1:$port:8123" server.snap
	wait_port "$port"
	for _ in 1 2; do
		curl -sS -m 5 "http://127.0.0.1:$port/" >got
		[ "$(cat got)" = "$1" ] || fail "answers $(cat got)"
	done
}

all='1048576 1048576'
take --no-request
idle=$set
[ "$idle" -gt 0 ] || fail 'a copy that waits writes to nothing'
answers "$all"
take
[ ! -s err ] || fail "said: $(cat err)"
small=$set
[ "$small" -gt "$idle" ] || fail "no more with a request: $small"
[ "$small" -lt 600000 ] || fail "$small for next to nothing"
answers "$all"
for path in /filled /empty; do
	take --request $path
	[ "$set" -ge $((small + 1000000)) ] || fail "$path: $set, not $small"
	[ "$set" -lt $((small + 1300000)) ] || fail "$path: $set, not $small"
	answers "$all"
done
# Hot zero pages are stored nowhere.
[ "$(stat -c %s server.snap)" -lt 1700000 ] || fail 'zeros are stored'

take --request /silent
expect_match 'a copy did not answer GET /silent: its working set is' err
[ "$set" -ge "$idle" ] || fail 'nothing was recorded'
answers "$all"
take --request /die
expect_match 'has no working set, .* it ended' err
[ "$set" = 0 ] || fail "a working set of $set"
answers "$all"

expect_status 125 "$MAYFLY" snapshot --request x server.img
expect_match '^mayfly: --request x: a path that begins with / and has' err

# A program that listens on nothing is asked nothing.
printf '#include <stdio.h>\nint main(void) { return getchar(); }\n' >in.c
musl-gcc -static -o in in.c
"$MAYFLY" snapshot --substrate "$SUBSTRATE" ./in -o in.snap 2>err
[ ! -s err ] || fail "said: $(cat err)"
expect_status 0 "$MAYFLY" inspect in.snap
expect_match '^working set +[0-9]+ bytes$' out
expect_status 65 run in.snap <<'IN'
A
IN

# Later requests add to it: what another one fills is there as well then.
size() {
	"$MAYFLY" inspect --json server.snap | python3 -c '
import json, sys
print(json.load(sys.stdin)["memory"]["working_set"])'
}
take
before=$set
expect_status 0 "$MAYFLY" snapshot --request /filled server.snap
[ ! -s err ] || fail "said: $(cat err)"
after=$(size)
[ "$after" -ge $((before + 1000000)) ] || fail "refined: $after, was $before"
answers "$all"
expect_status 0 "$MAYFLY" snapshot server.snap -o other.snap
[ "$(size)" = "$after" ] || fail "refined again: $(size), was $after"
[ -s other.snap ] || fail 'no other.snap'
cp server.snap keep.snap
expect_status 125 "$MAYFLY" snapshot --request /silent server.snap
expect_match 'did not answer GET /silent: the working set stays' err
cmp server.snap keep.snap
expect_status 125 "$MAYFLY" snapshot --mark server.snap
expect_match 'is a snapshot already: only its working set can be refined' err
