# SPDX-License-Identifier: Apache-2.0
# A request whose client left before the function took it belongs to nobody:
# the next life of a copy that is reset must not get it.
# test: timeout 60
# test: substrates kvm
. "$LIB"
. "$SRC/tests/platform.sh"

# Tells what it has served before.
cat >last.c <<'C'
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char before[200] = "nothing";

static void serve(int fd)
{
	char head[8192], body[300];
	ssize_t n = read(fd, head, sizeof(head) - 1);

	head[n > 0 ? n : 0] = 0;
	head[strcspn(head, "\r\n")] = 0;
	snprintf(body, sizeof(body), "before: %s\n", before);
	snprintf(before, sizeof(before), "%s", head);
	dprintf(fd,
		"HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n"
		"Connection: close\r\n\r\n%s",
		strlen(body), body);
	close(fd);
}

int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int s = socket(AF_INET, SOCK_STREAM, 0), fd;

	signal(SIGPIPE, SIG_IGN);
	a.sin_port = htons(atoi(getenv("PORT")));
	if (bind(s, (void *)&a, sizeof(a)) < 0 || listen(s, 64) < 0)
		return 1;
	while ((fd = accept(s, NULL, NULL)) >= 0)
		serve(fd);
	return 1;
}
C
# Asks, and is gone: no end of half a connection, which would be answered.
cat >leave.py <<'PY'
import socket
import struct
import sys
import time

s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
s.sendall(f"GET {sys.argv[2]} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
time.sleep(0.3)
s.close()
PY
musl-gcc -static -O2 -o last last.c
expect_status 0 "$MAYFLY" build ./last -o last.img
platform_start
deploy last last.img '{"isolation":"request","memory_bytes":33554432,
	"max_instances":1}'
for i in 1 2 3; do
	[ "$(fn last /)" = 200 ] || fail "$(cat body)"
	sleep 0.3
	pid=$(instance_pid last)
	kill -STOP "$pid"
	python3 leave.py "$GATEWAY" "/fn/last/secret$i"
	sleep 0.2
	kill -CONT "$pid"
	[ "$(fn last /)" = 200 ] || fail "$(cat body)"
	[ "$(cat body)" = 'before: nothing' ] || fail "round $i: $(cat body)"
	[ "$(instance_pid last)" != "$pid" ] || fail "it was reset, round $i"
done
# One that was answered leaves nothing behind, and is reset.
[ "$(fn last /)" = 200 ] || fail "$(cat body)"
MAYFLY_STATE=$STATE expect_status 0 "$MAYFLY" history --json last
expect_match '"how": *"again"' out
