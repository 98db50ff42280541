# SPDX-License-Identifier: Apache-2.0
# test: timeout 90
# Clones of a snapshot: they serve one port together, end one by one, get the
# signals of the command; what there is no room for is refused with a number.
. "$LIB"

mkdir -m 700 rt
export XDG_RUNTIME_DIR="$TMP/rt"

# take PROGRAM [OPTION...]: a snapshot of it
take() {
	"$MAYFLY" build "./$1" -o "$1.img" >/dev/null
	name=$1
	shift
	"$MAYFLY" snapshot --substrate "$SUBSTRATE" "$@" "$name.img"
}

# Answers with its host name, one connection at a time, each a moment late.
cat >server.c <<'C'
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef BIG
#define BIG 1
#endif
static volatile char big[BIG];

static void on_term(int sig)
{
	puts("bye");
	fflush(stdout);
	_exit(0);
}

static void serve(int fd)
{
	char in[512] = "", name[100] = "", out[256];
	ssize_t n = read(fd, in, sizeof(in) - 1);

	if (strstr(in, "/crash"))
		*(volatile int *)8 = 1;
	if (strstr(in, "/exit"))
		_exit(5);
	if (strstr(in, "/eat"))
		for (char *p;;)
			memset(p = malloc(1 << 20), 'x', 1 << 20);
	memset((char *)big, in[0], sizeof(big));
	usleep(20000);
	gethostname(name, sizeof(name));
	n = snprintf(out, sizeof(out),
		     "HTTP/1.1 200 OK\r\nConnection: close\r\n"
		     "Content-Length: %zu\r\n\r\n%s", strlen(name), name);
	write(fd, out, (size_t)n);
}

int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(80) };
	int s = socket(AF_INET, SOCK_STREAM, 0), fd;

	memset((char *)big, 1, sizeof(big));
	signal(SIGTERM, on_term);
	signal(SIGINT, SIG_IGN);
	if (bind(s, (struct sockaddr *)&a, sizeof(a)) || listen(s, 64))
		return 1;
	for (;;) {
		fd = accept(s, NULL, NULL);
		serve(fd);
		close(fd);
	}
}
C
musl-gcc -static -O1 -w -o server server.c
take server -m 48m

# ask COUNT [PATH]: so many requests at a time; prints the answers
ask() {
	python3 - "$port" "$1" "${2:-/}" <<'PY'
import http.client
import sys
import threading
port, count, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
def get():
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        c.request("GET", path)
        print(c.getresponse().read().decode() + "\n", end="")
    except (OSError, http.client.HTTPException):
        print("none\n", end="")
threads = [threading.Thread(target=get) for _ in range(count)]
for t in threads:
    t.start()
for t in threads:
    t.join()
PY
}

# ended STATUS: the command ends now, with this
ended() {
	got=0
	wait "$PID" || got=$?
	[ "$got" = "$1" ] || fail "status $got, want $1: $(cat start.err)"
}

port=$(free_port)
start --clones 20 --name web -p "127.0.0.1:$port:80" server.snap
wait_line start.err '^mayfly: 20 clones of server.snap ready after [0-9.]+ s$'
expect_status 127 "$MAYFLY" trace nobody
expect_match 'web-1, web-10, web-11' err
i=0
while [ "$(sort -u answers 2>/dev/null | wc -l)" != 20 ]; do
	[ $i -lt 20 ] || fail "only these answer: $(sort -u answers)"
	ask 40 >>answers
	i=$((i + 1))
done
for i in 1 7 20; do
	expect_match "^web-$i\$" answers
done
! grep -q none answers || fail "requests without an answer"

# Some end, one line each; the others go on.
ask 1 /crash >out
expect_match none out
wait_line start.err '^mayfly: web-[0-9]+ crashed: SIGSEGV .* at address 0x8'
ask 1 /exit >out
wait_line start.err '^mayfly: web-[0-9]+ ended with status 5$'
ask 1 /eat >out
wait_line start.err '^mayfly: web-[0-9]+ ran out of memory: .*limit 48m'
monitor=$(pgrep -P "$PID" -x mayfly-monitor | tail -n 1)
kill -KILL "$monitor"
wait_line start.err 'web-[0-9]+ was ended by SIGKILL, which came from outside$'
[ "$(wc -l <start.err)" = 5 ] || fail "more was said: $(cat start.err)"
ask 40 >out
! grep -q none out || fail "the others do not answer: $(cat out)"
[ "$(pgrep -c -P "$PID" -x mayfly-monitor)" = 16 ] || fail "not 16 are left"
kill -TERM "$PID"
ended 139
[ "$(grep -c '^bye$' start.out)" = 16 ] || fail "not 16: $(cat start.out)"
[ -z "$(ls rt/mayfly)" ] || fail "left: $(ls rt/mayfly)"

# Each has a name of its own; nothing is said of an end that was asked for.
port=$(free_port)
start --clones 6 -p "127.0.0.1:$port:80" server.snap
wait_line start.err '6 clones'
ls rt/mayfly >names
[ "$(grep -cE '^[0-9a-f]{12}$' names)" = 6 ] || fail "names: $(cat names)"
ask 6 >answers
sort -u answers | grep -qxf - names || fail "other names answer"
kill -TERM "$PID"
ended 0
[ "$(wc -l <start.err)" = 1 ] || fail "more was said: $(cat start.err)"
! python3 -c "import socket; socket.create_connection(('127.0.0.1', $port))" \
	2>/dev/null || fail "the port is still there"

# An ignored SIGINT, and a second one; a time limit.
start --clones 4 server.snap
wait_line start.err '4 clones'
kill -INT "$PID"
sleep 0.3
[ "$(pgrep -c -P "$PID")" -ge 4 ] || fail 'an ignored SIGINT ended clones'
kill -INT "$PID"
ended 130
expect_match '4 clones of server.snap killed at the second SIGINT' start.err
expect_status 124 run --clones 3 --timeout 500ms server.snap
expect_match '3 clones of server.snap did not end within 0.500 s' err

# What they say is not mixed up; standard input is nobody's.
printf '%s\n' '#include <stdio.h>' 'int main(void) {' \
	'return getchar() == EOF ? (puts("end of input"), 0) : 1; }' >input.c
musl-gcc -static -o input input.c
take input
echo line | run --clones 10 --name in input.snap >out 2>err ||
	fail "status $?: $(cat err)"
[ "$(grep -cx 'end of input' out)" = 10 ] || fail "$(cat out)"
[ "$(grep -cE '^mayfly: in-[0-9]+ ended with status 0$' err)" = 10 ] ||
	fail "$(cat err)"

# What does not go together.
refused() {
	regex=$1
	shift
	expect_status 125 run "$@"
	expect_match "^mayfly: .*$regex" err
}
refused '0 is no number of clones: 1 to 10000' --clones 0 server.snap
refused '10001 is no number of clones' --clones 10001 server.snap
refused '-1 is no number of clones' --clones=-1 server.snap
refused 'not a snapshot: --clones copies one' --clones 2 server.img
refused 'cannot share port 5353/udp' --clones 2 -p 5353:53/udp server.snap
refused '--egress is for one instance' --clones 2 --egress all server.snap
refused '--restart is for one instance' --clones 2 --restart server.snap
refused '--stats is for one instance' --clones 2 --stats server.snap
refused 'is too long to be numbered: at most 57' --clones 2 \
	--name "$(printf '%058d' 0)" server.snap
expect_status 125 "$MAYFLY" trace --clones 2 server.snap
expect_match 'mayfly trace is for one instance' err
start --name web-3 server.snap
until_true 10 test -S rt/mayfly/web-3
refused 'an instance named web-3 is running already' --clones 3 --name web \
	--timeout 20s server.snap
[ "$(ls rt/mayfly)" = web-3 ] || fail "left: $(ls rt/mayfly)"
kill -TERM "$PID"
ended 0

# No room.
few() {
	drop=
	[ "$(id -u)" != 0 ] || drop='setpriv --bounding-set -sys_resource'
	prlimit --nofile=200:200 $drop "$MAYFLY" run --substrate "$SUBSTRATE" \
		--clones 100 server.snap
}
expect_status 125 few
expect_match 'need 296 descriptors and 200 are allowed, which does for 52:' err

# Each answer writes to all of it.
musl-gcc -static -O1 -w -DBIG=3000000 -o big server.c
take big
free=$(awk '/^MemAvailable|^SwapFree/ { n += $2 } END { print n }' \
	/proc/meminfo)
[ "$free" -lt 36000000 ] ||
	skip "with $free KiB of free memory there is room for 10000 clones"
refused 'not enough memory for 10000 clones, .* which does for [0-9]+ ' \
	--clones 10000 big.snap
