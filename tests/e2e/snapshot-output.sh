# SPDX-License-Identifier: Apache-2.0
# A program that has just written when it waits for work has its snapshot
# taken, whether its output was taken at once or not; a copy writes none of
# it again.
. "$LIB"

cat >says.c <<'C'
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
				     "Connection: close\r\n\r\n";
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(8080) };
	int s = socket(AF_INET, SOCK_STREAM, 0), lines = atoi(argv[argc - 1]);
	char buf[4096];

	if (bind(s, (struct sockaddr *)&a, sizeof(a)) || listen(s, 10))
		return 1;
	for (int i = 0; i < lines; i++)
		printf("line %08d\n", i);
	fflush(stdout);
	for (;;) {
		int c = accept(s, NULL, NULL);

		(void)!read(c, buf, sizeof(buf));
		(void)!write(c, answer, sizeof(answer) - 1);
		close(c);
	}
}
C
cc -static -O2 -o says says.c

snapshot() {
	"$MAYFLY" snapshot --substrate "$SUBSTRATE" --timeout 20s "$@"
}

snapshot -o one.snap says -- 1 >one.out
[ "$(cat one.out)" = "line 00000000" ] || fail "one line became something else"

# More than a pipe holds, to a reader that takes its time.
snapshot -o many.snap says -- 20000 | { sleep 1; cat; } >many.out
[ -s many.snap ] || fail "there is no snapshot"
[ "$(wc -l <many.out)" = 20000 ] || fail "lines are missing"
[ "$(tail -n 1 many.out)" = "line 00019999" ] || fail "the end is missing"

port=$(free_port)
start -p "127.0.0.1:$port:8080" many.snap >copy.out
wait_port "$port"
curl -sS -m 10 "http://127.0.0.1:$port/" || fail "a copy does not answer"
[ ! -s copy.out ] || fail "a copy repeats what was written before"
