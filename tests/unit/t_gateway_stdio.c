/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway with functions that are no servers: their variables, their
 * input, and the answer that waits for their exit status.
 */
#include "tests/unit/gateway_world.h"

/* ---- mode stdio ---------------------------------------------------------- */

static void stdio_world(void)
{
	world_new(NULL);
	world.version.spec.mode = FUNCTION_STDIO;
	world.version.spec.isolation = ISOLATION_REQUEST;
}

static void end_program(uint32_t status, const char *why)
{
	const struct instance_end end = { .reason = MF_EXIT_FINISHED,
					  .status = status,
					  .why = why };

	close(world.in_fd);
	if (world.out_fd >= 0)
		close(world.out_fd);
	spin();
	world.running->ended(world.running, &end);
	spin();
}

static void test_stdio(void)
{
	const char *got;
	int c;

	stdio_world();
	c = ask("POST /fn/f/a%20b?c=d HTTP/1.1\r\nHost: h:81\r\n"
		"Content-Type: x/y\r\nContent-Length: 5\r\nX-Some_-Thing: 1\r\n"
		"X-Other: 2\r\nX-Other: 3\r\nProxy: evil\r\nX_Other: evil\r\n"
		"Connection: x-hop\r\nX-Hop: 1\r\n\r\nhello");
	check(strlist_has(&world.env, "REQUEST_METHOD=POST"));
	check(strlist_has(&world.env, "PATH_INFO=/a b"));
	check(strlist_has(&world.env, "SCRIPT_NAME=/fn/f"));
	check(strlist_has(&world.env, "QUERY_STRING=c=d"));
	check(strlist_has(&world.env, "CONTENT_TYPE=x/y"));
	check(strlist_has(&world.env, "CONTENT_LENGTH=5"));
	check(strlist_has(&world.env, "SERVER_NAME=h"));
	check(strlist_has(&world.env, "SERVER_PORT=81"));
	check(strlist_has(&world.env, "SERVER_PROTOCOL=HTTP/1.1"));
	check(strlist_has(&world.env, "GATEWAY_INTERFACE=CGI/1.1"));
	check(strlist_has(&world.env, "HTTP_HOST=h:81"));
	check(strlist_has(&world.env, "HTTP_X_OTHER=2"));
	for (size_t i = 0; i < world.env.count; i++) {
		check(!strstr(world.env.items[i], "evil"));
		check(!strstr(world.env.items[i], "HTTP_PROXY"));
		check(!strstr(world.env.items[i], "HOP"));
		check(!strstr(world.env.items[i], "SOME"));
	}
	check_str(get(world.in_fd), "hello");
	check(is_closed(world.in_fd));
	put(world.out_fd, "the answer");
	check_str(get(c), "");
	end_program(0, NULL);
	got = get(c);
	check(strncmp(got, "HTTP/1.1 200 OK\r\n", 17) == 0);
	check(ends(got, "Content-Length: 10\r\n\r\nthe answer"));
	check_int(world.done_in, 5);
	check_int(world.done_out, 10);
	finish(c);
}

static void test_stdio_fails(void)
{
	int c;

	stdio_world();
	c = ask(GET);
	put(world.out_fd, "half an ans");
	end_program(256, "it ended with status 1");
	check(has(get(c), "502 Bad Gateway: the function failed: it ended with "
			  "status 1"));
	check_int(world.done_out, world.entry.bytes_out);
	check(world.done_out > 0);
	finish(c);
}

static void test_stdio_empty(void)
{
	int c;

	stdio_world();
	c = ask("GET /fn/f HTTP/1.1\r\nHost: [::1]\r\n\r\n");
	check(strlist_has(&world.env, "PATH_INFO=/"));
	check(strlist_has(&world.env, "QUERY_STRING="));
	check(strlist_has(&world.env, "SERVER_NAME=[::1]"));
	check(strlist_has(&world.env, "SERVER_PORT=80"));
	check(is_closed(world.in_fd));
	end_program(0, NULL);
	check(ends(get(c), "Content-Length: 0\r\n\r\n"));
	finish(c);
}

/* More than is held back is streamed; a bad end cuts it. */
static void check_stdio_large(uint32_t status)
{
	static char data[40000];
	size_t total = 0;
	const char *got;
	int c;

	stdio_world();
	memset(data, 'd', sizeof(data));
	c = ask(GET);
	for (size_t at = 0; at < sizeof(data); at += 4000) {
		check_int(write(world.out_fd, data + at, 4000), 4000);
		spin();
	}
	got = get(c);
	check(has(got, "Transfer-Encoding: chunked\r\n"));
	end_program(status, "bad");
	total = strlen(got);
	check(total > 32000);
	got = get(c);
	if (status == 0) {
		check(ends(got, "0\r\n\r\n"));
		check_int(world.done_out, sizeof(data));
	} else {
		check(!strstr(got, "\r\n0\r\n"));
		check(is_closed(c));
		check_str(world.entry_error, "the function failed: bad");
	}
	finish(c);
}

static void test_stdio_large(void)
{
	check_stdio_large(0);
	check_stdio_large(256);
}

/* It has closed its output, and what its end says is not known yet. */
static void test_stdio_closed(void)
{
	static char data[40000];
	int c;

	stdio_world();
	c = ask(GET);
	for (size_t at = 0; at < sizeof(data); at += 4000) {
		check_int(write(world.out_fd, data + at, 4000), 4000);
		spin();
	}
	check(has(get(c), "Transfer-Encoding: chunked\r\n"));
	close(world.out_fd);
	world.out_fd = -1;
	spin();
	check(world_rounds(100) < 5);
	check_int(world.dones, 0);
	end_program(0, NULL);
	check(ends(get(c), "0\r\n\r\n"));
	finish(c);
}

/* A program need not read its input. */
static void test_stdio_unread(void)
{
	static char s[300000];
	int c, n;

	stdio_world();
	n = snprintf(s, sizeof(s), POST "Content-Length: 200000\r\n\r\n");
	memset(s + n, 'b', 200000);
	c = client_connect();
	check(write(c, s, (size_t)n + 200000) > 0);
	spin();
	check_int(write(world.out_fd, "done", 4), 4);
	end_program(0, NULL);
	check(ends(get(c), "\r\n\r\ndone"));
	check(is_closed(c));
	finish(c);
}

int main(void)
{
	RUN(test_stdio);
	RUN(test_stdio_fails);
	RUN(test_stdio_empty);
	RUN(test_stdio_large);
	RUN(test_stdio_closed);
	RUN(test_stdio_unread);
	return check_done();
}
