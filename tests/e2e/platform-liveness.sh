# SPDX-License-Identifier: Apache-2.0
# An instance that does not answer its liveness probe any more is ended and
# another one answers; one that crashes at its start again and again is said
# to do so, and tried again later.
# test: timeout 90
# test: no-san
. "$LIB"
. "$SRC/tests/platform.sh"

cat >ill.c <<'C'
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(8080) };
	int s = socket(AF_INET, SOCK_STREAM, 0), fd, ill = 0;
	char buf[4096];
	const char *text;

	if (bind(s, (struct sockaddr *)&a, sizeof(a)) || listen(s, 16))
		return 1;
	while ((fd = accept(s, NULL, NULL)) >= 0) {
		ssize_t n = read(fd, buf, sizeof(buf) - 1);

		buf[n > 0 ? n : 0] = 0;
		ill |= strstr(buf, "GET /sick") != NULL;
		if (strstr(buf, "GET /die"))
			abort();
		text = ill && strstr(buf, "GET /alive") ?
			       "HTTP/1.0 500 Ill\r\n\r\n" :
			       "HTTP/1.0 200 OK\r\n\r\nwell";
		if (write(fd, text, strlen(text)) < 0)
			return 1;
		close(fd);
	}
	return 1;
}
C
musl-gcc -static -O2 -o ill ill.c
expect_status 0 "$MAYFLY" build ./ill -o ill.img
platform_start
deploy ill ill.img '{"isolation":"reuse","concurrency":1,"liveness":"/alive",
	"liveness_ms":100,"min_instances":1}'

the_instance() {
	api GET '/v1/instances?function=ill' >/dev/null
	sed -n 's/.*"id": *"\([0-9a-f]*\)".*/\1/p' body | head -n 1
}
has_instance() {
	now=$(the_instance)
	[ -n "$now" ]
}
has_another() {
	has_instance && [ "$now" != "$first" ]
}
until_true 10 has_instance
first=$now
sleep 0.5
[ "$(the_instance)" = "$first" ] || fail 'a healthy instance was ended'
[ "$(fn ill /sick)" = 200 ] || fail "$(cat body)"
until_true 10 has_another
[ "$(fn ill /)" = 200 ] || fail "after it: $(cat body)"
MAYFLY_STATE=$STATE expect_status 0 "$MAYFLY" logs ill
expect_match 'the instance is ended: it answers that it is not well' err
MAYFLY_STATE=$STATE expect_status 0 "$MAYFLY" history --json ill
expect_match "\"id\": *\"$first\".*\"reason\": *\"broken\"" out
expect_match '"why": *"it answers that it is not well"' out

# A crash takes the request that it had, and no other.
[ "$(fn ill /die)" = 502 ] || fail "a crash is $(cat body)"
expect_match 'SIGABRT|signal|crash' body
[ "$(fn ill /)" = 200 ] || fail "after the crash: $(cat body)"
MAYFLY_STATE=$STATE expect_status 0 "$MAYFLY" history --json ill
expect_match '"reason": *"crash"' out
