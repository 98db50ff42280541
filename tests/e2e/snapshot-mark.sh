# SPDX-License-Identifier: Apache-2.0
# test: timeout 90
# A program says where its snapshot is to be taken: one that computes and
# never listens, with threads that run and sleep, or one that waited before.
. "$LIB"

snapshot() {
	"$MAYFLY" snapshot --substrate "$SUBSTRATE" "$@"
}

# Warms up, marks, then is a filter. Another thread computes, a third sleeps,
# vector registers and a stream buffer are in use.
cat >filter.c <<'C'
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char path[] = "/proc/mayfly/snapshot";
static volatile int stop;
static volatile unsigned long turns;

static void *busy(void *arg)
{
	double x = 1;

	while (!stop) {
		x = x * 1.0000001 + 1e-9;
		turns++;
	}
	*(double *)arg = x;
	return NULL;
}

static void *lazy(void *arg)
{
	struct timespec t = { .tv_sec = 3600 };

	nanosleep(&t, NULL);
	return arg;
}

static void state(const char *when)
{
	char text[32];
	int fd = open(path, O_RDONLY);
	long n = read(fd, text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = '\0';
	printf("%s: %s", when, text);
	close(fd);
}

int main(void)
{
	volatile double third = 1.0 / 3;
	unsigned long sum = 0, seen;
	pthread_t a, b;
	double x = 0;
	char line[100];
	int fd;

	pthread_create(&a, NULL, busy, &x);
	pthread_create(&b, NULL, lazy, NULL);
	for (unsigned long i = 0; i < 1000000; i++)
		sum += i * i;
	state("before");
	fflush(stdout);
	fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0644);
	printf("wrote %d\n", (int)write(fd, "1\n", 2));
	state("after");
	printf("again %d\n", (int)write(fd, "1\n", 2));
	close(fd);
	while (fgets(line, sizeof(line), stdin))
		printf("%lu %.17g %s", sum, third, line);
	seen = turns;
	while (turns == seen)
		usleep(1000);
	stop = 1;
	pthread_join(a, NULL);
	printf("busy %d\n", x > 1);
	return 5;
}
C
musl-gcc -static -O2 -pthread -o filter filter.c
"$MAYFLY" build filter -o filter.img >/dev/null

# Nobody wants one: the mark does nothing.
got=0
echo one | run filter.img >out 2>err || got=$?
[ "$got" = 5 ] || fail "status $got: $(cat err)"
printf '%s\n' 'before: none' 'wrote 2' 'after: none' 'again 2' \
	'333332833333500000 0.33333333333333331 one' 'busy 1' >want
cmp out want || fail "$(cat out)"

# What was written before the mark is of the snapshot's time.
snapshot filter.img -o filter.snap >out
echo 'before: wanted' >want
cmp out want || fail "$(cat out)"
for i in 1 2; do
	got=0
	echo "line $i" | run filter.snap >out 2>err || got=$?
	[ "$got" = 5 ] || fail "copy $i ended with $got: $(cat err)"
	printf '%s\n' 'wrote 2' 'after: copy' 'again 2' \
		"333332833333500000 0.33333333333333331 line $i" \
		'busy 1' >want
	cmp out want || fail "copy $i: $(cat out)"
done

# A wait for work comes first: --mark leaves it alone.
cat >late.c <<'C'
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(8080) };
	int s = socket(AF_INET, SOCK_STREAM, 0), one = 1, c;
	struct pollfd p = { .fd = s, .events = POLLIN };
	char request[1000];
	FILE *f;

	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(s, (struct sockaddr *)&a, sizeof(a)) || listen(s, 8))
		return 1;
	poll(&p, 1, 300);
	if (argc > 1 && argv[1][0] == 'e')
		return 0;
	if (argc > 1)
		pause();
	f = fopen("/proc/mayfly/snapshot", "w");
	fputs("now", f);
	fclose(f);
	for (;;) {
		c = accept(s, NULL, NULL);
		if (read(c, request, sizeof(request)) < 0)
			return 2;
		dprintf(c, "HTTP/1.0 200 OK\r\n\r\n%s\n",
			p.revents ? "polled" : "marked");
		close(c);
	}
}
C
musl-gcc -static -o late late.c
"$MAYFLY" build late -o late.img >/dev/null
for o in '' --mark; do
	# shellcheck disable=SC2086 # a word or none
	snapshot $o late.img -o late.snap
	port=$(free_port)
	start -p "127.0.0.1:$port:8080" late.snap
	wait_port "$port"
	[ -z "$o" ] || {
		curl -sS -m 5 "http://127.0.0.1:$port/" >out
		echo marked | cmp - out || fail "not from the mark: $(cat out)"
	}
	kill "$PID"
	wait "$PID" 2>/dev/null || true
done

# It never comes.
expect_status 124 snapshot --mark --timeout 700ms late.img -o no.snap -- wait
expect_match 'did not come to the point of its snapshot within 0.700 s' err
expect_status 125 snapshot --mark late.img -o no.snap -- end
expect_match 'ended before it wrote to /proc/mayfly/snapshot' err
[ ! -e no.snap ] || fail 'a snapshot of nothing'

# The last thing written before the mark is out before the snapshot is.
cat >talk.c <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
	static char text[50000];
	int fd = open("/proc/mayfly/snapshot", O_RDWR);

	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 20; i++)
		if (write(1, text, sizeof(text)) != sizeof(text))
			return 1;
	if (write(fd, "1", 1) != 1 || write(fd, "", 0) != 0)
		return 2;
	return write(1, "after\n", 6) == 6 ? 0 : 3;
}
C
musl-gcc -static -o talk talk.c
"$MAYFLY" build talk -o talk.img >/dev/null
snapshot talk.img -o talk.snap | wc -c >out
[ "$(cat out)" -eq 1000000 ] || fail "wrote $(cat out) bytes"
run talk.snap >out
echo after | cmp - out || fail "$(head -c 100 out)"
