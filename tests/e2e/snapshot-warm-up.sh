# SPDX-License-Identifier: Apache-2.0
# A program that has answered before its snapshot was taken: each copy begins
# there. One that does not answer is waited for, and not for long.
# test: timeout 60
. "$LIB"

cat >count.c <<'C'
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(8080) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), count = 0, held[8];
	char paths[256] = "", text[512], path[64];

	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 8) < 0)
		return 1;
	for (;;) {
		int c = accept(fd, NULL, NULL);
		ssize_t n = read(c, text, sizeof(text) - 1);

		if (n <= 0)
			return 2;
		text[n] = '\0';
		if (argc > 1) {
			held[count++ % 8] = c;
			continue;
		}
		sscanf(text, "GET %60s", path);
		strncat(paths, path, sizeof(paths) - strlen(paths) - 1);
		n = snprintf(text, sizeof(text),
			     "HTTP/1.1 200 OK\r\n\r\n%d %s\n", ++count, paths);
		if (write(c, text, (size_t)n) != n)
			return 3;
		close(c);
	}
	return held[0];
}
C
musl-gcc -static -O1 -o count count.c
"$MAYFLY" build count -o count.img
expect_status 0 "$MAYFLY" snapshot --substrate "$SUBSTRATE" --warm-up 3 \
	--request '/warm?up=1,' count.img
[ ! -s err ] || fail "says: $(cat err)"
for n in 1 2; do
	port=$(free_port)
	start -p "$port:8080" count.snap
	wait_port "$port"
	curl -sS --max-time 10 "http://127.0.0.1:$port/mine" >answer
	want='4 /warm?up=1,/warm?up=1,/warm?up=1,/mine'
	[ "$(cat answer)" = "$want" ] || fail "copy $n: $(cat answer)"
	kill -TERM "$PID"
	wait "$PID" || true
done

# No answer: said, and a snapshot all the same.
expect_status 0 "$MAYFLY" snapshot --substrate "$SUBSTRATE" --warm-up 3 \
	-o silent.snap count.img -- silent
expect_match 'the program does not answer' err
[ -s silent.snap ] || fail 'no snapshot'

expect_status 125 "$MAYFLY" snapshot --warm-up many count.img
expect_match 'warm-up many: a number from 0 to' err
expect_status 125 "$MAYFLY" snapshot --request 'a b' count.img
expect_match 'a path that begins with /' err
