# SPDX-License-Identifier: Apache-2.0
# test: timeout 120
# Functions that read standard input and write standard output: the request
# in variables, the exit status, answers of all sizes.
. "$LIB"
. "$SRC/tests/platform.sh"

cat >prog.c <<'C'
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

int main(void)
{
	const char *path = getenv("PATH_INFO"), *query = getenv("QUERY_STRING");
	unsigned long n = query ? strtoul(query, NULL, 10) : 0;
	char data[4096];
	size_t got;

	if (strcmp(path, "/env") == 0)
		for (char **e = environ; *e; e++)
			puts(*e);
	if (strcmp(path, "/echo") == 0)
		while ((got = fread(data, 1, sizeof(data), stdin)) > 0)
			fwrite(data, 1, got, stdout);
	memset(data, 'd', sizeof(data));
	if (strcmp(path, "/big") == 0 || strcmp(path, "/big-bad") == 0)
		for (; n; n -= got) {
			got = n < sizeof(data) ? n : sizeof(data);
			fwrite(data, 1, got, stdout);
		}
	fflush(stdout);
	fprintf(stderr, "said to the log\n");
	if (strcmp(path, "/crash") == 0)
		raise(SIGSEGV);
	return strcmp(path, "/fail") == 0 || strcmp(path, "/big-bad") == 0 ?
		       7 : 0;
}
C
musl-gcc -static -O2 -o prog prog.c
"$MAYFLY" build ./prog -o prog.img >/dev/null
platform_start
deploy cgi prog.img '{"mode":"stdio"}'
deploy typed prog.img '{"mode":"stdio","content_type":"image/png"}'

gate '/fn/cgi/env?a=b%20c' -H 'X-Some-Thing: some value' -H 'Proxy: evil' \
	-H 'X_Some_Thing: evil' -A agent -D head >out
expect_match '^HTTP/1.1 200 OK' head
expect_match '^Content-Type: text/plain' head
for line in REQUEST_METHOD=GET PATH_INFO=/env 'QUERY_STRING=a=b%20c' \
	SCRIPT_NAME=/fn/cgi SERVER_NAME=127.0.0.1 "SERVER_PORT=$GATEWAY" \
	SERVER_PROTOCOL=HTTP/1.1 GATEWAY_INTERFACE=CGI/1.1 \
	REMOTE_ADDR=127.0.0.1 'HTTP_X_SOME_THING=some value' \
	HTTP_USER_AGENT=agent "HTTP_HOST=127.0.0.1:$GATEWAY"; do
	grep -qFx -- "$line" out || fail "no $line: $(cat out)"
done
! grep -q 'evil\|HTTP_PROXY' out || fail "httpoxy"

gate /fn/cgi/echo -d hello >out
expect_match '^hello$' out
head -c 300000 /dev/urandom >data
gate /fn/cgi/echo --data-binary @data -o got
cmp data got
gate /fn/cgi/echo -H 'Transfer-Encoding: chunked' --data-binary @data -o got
cmp data got
gate /fn/cgi/none --data-binary @data -D head -o got
expect_match '^HTTP/1.1 200 OK' head
[ ! -s got ] || fail "an answer from nowhere"
gate '/fn/typed/big?100' -I >out
expect_match '^Content-Type: image/png' out
expect_match '^Content-Length: 100.$' out
for size in 0 1 32767 32768 32769 1000000; do
	gate "/fn/cgi/big?$size" -o got
	[ "$(wc -c <got)" = "$size" ] || fail "$(wc -c <got) bytes of $size"
done

gate /fn/cgi/fail -w '%{http_code}\n' >out
expect_match '^502 Bad Gateway: the function failed: .*status 7' out
expect_match '^502$' out
gate /fn/cgi/crash -w '%{http_code}\n' >out
expect_match '^502 Bad Gateway: the function failed: killed by signal 11$' out
# Held back, it is no answer; streamed, it is cut.
gate '/fn/cgi/big-bad?1000' -w '%{http_code}\n' >out
expect_match '^502$' out
! grep -q ddd out || fail "half an answer"
status=0
gate '/fn/cgi/big-bad?1000000' -o out 2>err || status=$?
[ "$status" = 18 ] || fail "curl says $status, not cut off"
