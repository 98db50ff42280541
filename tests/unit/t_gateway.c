/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway between a client and a function that both are the test: what
 * each sees of the other, and what happens when the function misbehaves.
 */
#include "tests/unit/gateway_world.h"

/* ---- plain exchanges ----------------------------------------------------- */

static void test_exchange(void)
{
	const char *got;
	int c;

	world_new(NULL);
	c = ask("GET /fn/f/a?b HTTP/1.1\r\nHost: h\r\nX-Request-Id: me\r\n"
		"\r\n");
	got = get(world.fn_fd);
	check(has(got, "GET /a?b HTTP/1.1\r\nHost: h\r\n"));
	check(has(got, "\r\nX-Request-Id: me\r\n"));
	check(has(got, "\r\nX-Forwarded-Prefix: /fn/f\r\n"));
	check(ends(got, "\r\n\r\n"));
	put(world.fn_fd, OK_HELLO);
	got = get(c);
	check(strncmp(got, "HTTP/1.1 200 OK\r\n", 17) == 0);
	check(has(got, "\r\nX-Request-Id: me\r\n"));
	check(has(got, "\r\nX-Mayfly-Instance: 0123456789abcdef"));
	check(ends(got, "\r\nContent-Length: 5\r\n\r\nhello"));
	check_int(world.dones, 1);
	check_int(world.done_status, 200);
	check_int(world.done_out, 5);
	check_int(world.entries, 1);
	check_int(world.entry.status, 200);
	check_str(world.entry_path, "/fn/f/a?b");
	check_str(world.entry_error, "");
	finish(c);
}

/* The client's connection and the function's are used again. */
static void test_keep_alive(void)
{
	int c;

	world_new(NULL);
	c = ask(GET);
	for (int i = 0; i < 3; i++) {
		check(has(get(world.fn_fd), "GET / "));
		put(world.fn_fd, OK_HELLO);
		check(ends(get(c), "hello"));
		if (i < 2)
			put(c, GET);
	}
	check_int(world.connects, 1);
	check_int(world.dones, 3);
	finish(c);
}

/* Several requests at once are answered one after the other. */
static void test_pipelining(void)
{
	int c;

	world_new(NULL);
	c = ask(POST "Content-Length: 3\r\n\r\nabc"
		     "GET /fn/f/two HTTP/1.1\r\nHost: h\r\n\r\n" GET_CLOSE);
	check(ends(get(world.fn_fd), "\r\n\r\nabc"));
	check_int(world.submits, 1);
	put(world.fn_fd, OK_HELLO);
	check(ends(get(c), "hello"));
	check(has(get(world.fn_fd), "GET /two "));
	check_int(world.submits, 2);
	put(world.fn_fd, "HTTP/1.1 204 No Content\r\n\r\n");
	check(has(get(c), "204 No Content"));
	put(world.fn_fd, OK_HELLO);
	check(ends(get(c), "hello"));
	check(is_closed(c));
	check_int(world.submits, 3);
	finish(c);
}

/* One byte at a time in both directions. */
static void test_single_bytes(void)
{
	static const char *const request = POST
		"Transfer-Encoding: chunked\r\n\r\n"
		"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n";
	static const char *const answer =
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"1\r\nx\r\n0\r\n\r\n";
	char byte[2] = { 0 };
	const char *got;
	int c;

	world_new(NULL);
	c = client_connect();
	for (size_t i = 0; request[i]; i++) {
		byte[0] = request[i];
		put(c, byte);
	}
	got = get(world.fn_fd);
	check(ends(got, "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n"
			"1\r\nc\r\n1\r\nd\r\n1\r\ne\r\n0\r\n\r\n"));
	for (size_t i = 0; answer[i]; i++) {
		byte[0] = answer[i];
		put(world.fn_fd, byte);
	}
	check(ends(get(c), "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
			   "\r\n"));
	check_int(world.done_in, 5);
	check_int(world.done_out, 1);
	finish(c);
}

/* What a function says is there at once, not when a buffer is full. */
static void test_events(void)
{
	int c;

	world_new(NULL);
	c = ask(GET);
	put(world.fn_fd, "HTTP/1.1 200 OK\r\nContent-Type: "
			 "text/event-stream\r\n\r\n");
	check(ends(get(c), "Transfer-Encoding: chunked\r\n\r\n"));
	put(world.fn_fd, "data: 1\n\n");
	check_str(get(c), "9\r\ndata: 1\n\n\r\n");
	put(world.fn_fd, "data: 22\n\n");
	check_str(get(c), "a\r\ndata: 22\n\n\r\n");
	close(world.fn_fd);
	world.fn_fd = -1;
	settle();
	check_str(get(c), "0\r\n\r\n");
	check_int(world.dones, 1);
	check_int(world.broken, 0);
	finish(c);
}

static void test_http10(void)
{
	const char *got;
	int c;

	world_new(NULL);
	c = ask("GET /fn/f/ HTTP/1.0\r\n\r\n");
	check(has(get(world.fn_fd), "GET / HTTP/1.1\r\nHost: localhost\r\n"));
	put(world.fn_fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			 "3\r\nabc\r\n0\r\n\r\n");
	got = get(c);
	check(has(got, "Connection: close\r\n"));
	check(!strstr(got, "chunked"));
	check(ends(got, "\r\n\r\nabc"));
	check(is_closed(c));
	finish(c);
}

static void test_head(void)
{
	int c;

	world_new(NULL);
	c = ask("HEAD /fn/f/ HTTP/1.1\r\nHost: h\r\n\r\n");
	put(world.fn_fd, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n");
	check(ends(get(c), "Content-Length: 5000\r\n\r\n"));
	check_int(world.dones, 1);
	put(c, GET);
	put(world.fn_fd, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n"
			 "\r\n");
	check(ends(get(c), "Content-Length: 9\r\n\r\n"));
	check_int(world.dones, 2);
	finish(c);
}

static void test_continue(void)
{
	const char *got;
	int c;

	world_new(NULL);
	c = ask(POST "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
	check_str(get(c), "HTTP/1.1 100 Continue\r\n\r\n");
	got = get(world.fn_fd);
	check(!strstr(got, "Expect"));
	put(c, "abc");
	check_str(get(world.fn_fd), "abc");
	put(world.fn_fd, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
			 "HTTP/1.1 100 Continue\r\n\r\n" OK_HELLO);
	got = get(c);
	check(strncmp(got, "HTTP/1.1 200 OK\r\n", 17) == 0);
	check(ends(got, "hello"));
	finish(c);
}

/* Nobody who is refused is asked for the body. */
static void test_continue_refused(void)
{
	const char *got;
	int c;

	world_new(NULL);
	world.refuse = 503;
	c = ask(POST "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
	got = get(c);
	check(strncmp(got, "HTTP/1.1 503 ", 13) == 0);
	check(has(got, "Connection: close\r\n"));
	finish(c);
}

static void test_upgrade(void)
{
	int c;

	world_new(NULL);
	c = ask("GET /fn/f/ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
		"Upgrade: websocket\r\n\r\nearly");
	check(ends(get(world.fn_fd),
		   "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
	put(world.fn_fd, "HTTP/1.1 101 Switching Protocols\r\nConnection: "
			 "upgrade\r\nUpgrade: websocket\r\n\r\nfirst");
	check(ends(get(c),
		   "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst"));
	check_str(get(world.fn_fd), "early");
	put(c, "to the function");
	check_str(get(world.fn_fd), "to the function");
	put(world.fn_fd, "to the client");
	check_str(get(c), "to the client");
	shutdown(c, SHUT_WR);
	check(is_closed(world.fn_fd));
	put(world.fn_fd, "still");
	check_str(get(c), "still");
	close(world.fn_fd);
	world.fn_fd = -1;
	check(is_closed(c));
	check_int(world.dones, 1);
	check_int(world.entry.status, 101);
	finish(c);
}

/* A cleartext HTTP/2 inside of a tunnel would pass us by. */
static void test_no_h2c(void)
{
	const char *got;
	int c;

	world_new(NULL);
	c = ask("GET /fn/f/ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, "
		"HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n");
	got = get(world.fn_fd);
	check(!strstr(got, "h2c") && !strstr(got, "HTTP2"));
	put(world.fn_fd, "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\n"
			 "Upgrade: h2c\r\n\r\n");
	check(has(get(c), "502 Bad Gateway: the function switched protocols "
			  "unasked"));
	check_int(world.broken, 1);
	finish(c);
}

/* ---- sizes --------------------------------------------------------------- */

#define BIG (3u << 20)

/* Both directions at once, each in pieces as the other side takes them. */
static void test_large(void)
{
	static char data[65536], text[65536];
	size_t sent = 0, got = 0, answered = 0, back = 0;
	char head[200];
	ssize_t n;
	int c;

	world_new(NULL);
	memset(data, 'd', sizeof(data));
	snprintf(head, sizeof(head), POST "Content-Length: %u\r\n\r\n", BIG);
	c = ask(head);
	check(ends(get(world.fn_fd), "\r\n\r\n"));
	snprintf(head, sizeof(head),
		 "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", BIG);
	put(world.fn_fd, head);
	check(ends(get(c), "\r\n\r\n"));
	while (got < BIG || back < BIG) {
		n = write(c, data, BIG - sent < 65536 ? BIG - sent : 65536);
		sent += n > 0 ? (size_t)n : 0;
		n = write(world.fn_fd, data,
			  BIG - answered < 60000 ? BIG - answered : 60000);
		answered += n > 0 ? (size_t)n : 0;
		loop_once(world.loop, 0);
		n = read(world.fn_fd, text, sizeof(text));
		got += n > 0 ? (size_t)n : 0;
		n = read(c, text, sizeof(text));
		back += n > 0 ? (size_t)n : 0;
	}
	spin();
	check_int(got, BIG);
	check_int(back, BIG);
	check_int(world.done_in, BIG);
	check_int(world.done_out, BIG);
	finish(c);
}

/* Who does not read stops who writes: only buffers are filled. */
static void test_backpressure(void)
{
	static char data[65536];
	size_t sent = 0;
	ssize_t n;
	int c;

	world_new(NULL);
	c = ask(GET);
	put(world.fn_fd, "HTTP/1.1 200 OK\r\n\r\n");
	for (int i = 0; i < 1000; i++) {
		n = write(world.fn_fd, data, sizeof(data));
		sent += n > 0 ? (size_t)n : 0;
		loop_once(world.loop, 0);
	}
	check(sent < 2000000);
	check_int(world.dones, 0);
	finish(c);
}

static void test_request_limits(void)
{
	int c;

	world_new(NULL);
	world.version.spec.request_bytes_max = 10;
	c = ask(POST "Content-Length: 11\r\n\r\n");
	check(has(get(c), "HTTP/1.1 413 Content Too Large\r\n"));
	check_int(world.submits, 0);
	close(c);
	c = ask(POST "Transfer-Encoding: chunked\r\n\r\n6\r\n123456\r\n");
	check_int(world.submits, 1);
	put(c, "5\r\n12345\r\n");
	check(has(get(c), "HTTP/1.1 413 Content Too Large\r\n"));
	check_int(world.dones, 1);
	check_int(world.broken, 0);
	finish(c);
}

static void test_response_limits(void)
{
	int c;

	world_new(NULL);
	world.version.spec.response_bytes_max = 10;
	c = ask(GET);
	put(world.fn_fd, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n");
	check(has(get(c), "502 Bad Gateway: the function's answer is larger "
			  "than 10 bytes"));
	put(c, GET);
	put(world.fn_fd, "HTTP/1.1 200 OK\r\n\r\n123456");
	check(ends(get(c), "6\r\n123456\r\n"));
	put(world.fn_fd, "12345");
	check_str(get(c), "");
	check(is_closed(c));
	check_str(world.entry_error, "the function's answer is too large");
	finish(c);
}

/* ---- functions that misbehave -------------------------------------------- */

static void check_garbage(const char *answer, const char *reason)
{
	const char *got;
	int c;

	world_new(NULL);
	c = ask(GET);
	put(world.fn_fd, answer);
	got = get(c);
	check(strncmp(got, "HTTP/1.1 502 Bad Gateway\r\n", 26) == 0);
	check(has(got, reason));
	check_int(world.broken, 1);
	check_int(world.entry.status, 502);
	check(has(world.entry_error, reason));
	/* The client is not to blame, its connection stays. */
	put(c, GET);
	put(world.fn_fd, OK_HELLO);
	check(ends(get(c), "hello"));
	finish(c);
}

static void test_garbage(void)
{
	check_garbage("hello\r\n", "malformed: the first line has no HTTP");
	check_garbage("HTTP/1.1 200 OK\nA: b\n\n", "without CR");
	check_garbage("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
		      "Transfer-Encoding: chunked\r\n\r\n",
		      "Content-Length and Transfer-Encoding");
	check_garbage("HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: a\r\n"
		      "\r\n",
		      "unasked");
}

static void test_too_many_interim(void)
{
	int c;

	world_new(NULL);
	c = ask(GET);
	for (int i = 0; i < 11; i++)
		put(world.fn_fd, "HTTP/1.1 102 Processing\r\n\r\n");
	check(has(get(c), "too many interim answers"));
	finish(c);
}

/* Bytes behind the answer are nobody's answer. */
static void test_two_answers(void)
{
	int c;

	world_new(NULL);
	c = ask(GET);
	put(world.fn_fd, OK_HELLO OK_HELLO);
	check(ends(get(c), "hello"));
	check(list_empty(&world.links));
	put(c, GET);
	check_int(world.connects, 2);
	put(world.fn_fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			 "1\r\nx\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n");
	check(ends(get(c), "0\r\n\r\n"));
	check(list_empty(&world.links));
	finish(c);
}

/* The same, when they come only after the answer was taken. */
static void test_late_answer(void)
{
	int c;

	world_new(NULL);
	c = ask(GET);
	put(world.fn_fd, OK_HELLO);
	check(ends(get(c), "hello"));
	check(!list_empty(&world.links));
	put(world.fn_fd, OK_HELLO);
	check(list_empty(&world.links));
	put(c, GET);
	check_int(world.connects, 2);
	check(has(get(world.fn_fd), "GET / "));
	put(world.fn_fd, "HTTP/1.1 204 x\r\n\r\n");
	check(has(get(c), "HTTP/1.1 204 x\r\n"));
	finish(c);
}

static void test_silent_close(void)
{
	int c;

	world_new(NULL);
	c = ask(GET);
	shutdown(world.fn_fd, SHUT_RDWR);
	settle();
	check(has(get(c), "502 Bad Gateway: the function closed the connection "
			  "without an answer"));
	check_int(world.broken, 1);
	put(c, GET);
	put(world.fn_fd, "HTTP/1.1 20");
	shutdown(world.fn_fd, SHUT_RDWR);
	settle();
	check(has(get(c), "closed the connection in the head of its answer"));
	finish(c);
}

/* When the instance has ended the reason is known. */
static void test_instance_ends(void)
{
	const struct instance_end end = { .reason = MF_EXIT_OOM,
					  .why = "it used \"all\" memory" };
	int c;

	world_new(NULL);
	c = ask("GET /fn/f/ HTTP/1.1\r\nHost: h\r\nAccept: text/html, "
		"application/json\r\n\r\n");
	close(world.fn_fd);
	world.fn_fd = -1;
	spin();
	world.running->ended(world.running, &end);
	check(ends(get(c), "}\n"));
	check_str(world.entry_error,
		  "the instance ended: it used \"all\" memory");
	finish(c);
}

static void test_json(void)
{
	const char *got;
	int c;

	world_new(NULL);
	c = ask("GET / HTTP/1.1\r\nHost: h\r\nX-Request-Id: me\r\n"
		"Accept: application/json\r\n\r\n");
	got = get(c);
	check(has(got, "Content-Type: application/json\r\n"));
	check(ends(got, "{\"status\":404,\"error\":\"no function answers to "
			"this host and path\",\"request\":\"me\"}\n"));
	finish(c);
}

/* In the middle of an answer: the client can see that it is not whole. */
static void check_cut(const char *answer, const char *seen)
{
	int c;

	world_new(NULL);
	c = ask(GET);
	put(world.fn_fd, answer);
	check(ends(get(c), seen));
	shutdown(world.fn_fd, SHUT_RDWR);
	settle();
	check_str(get(c), "");
	check(is_closed(c));
	check_int(world.broken, 1);
	check_str(world.entry_error, "the function ended its answer too early");
	finish(c);
}

static void test_cut(void)
{
	check_cut("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
		  "\r\n\r\nhel");
	check_cut("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		  "5\r\nhello\r\n",
		  "5\r\nhello\r\n");
}

/* An answer that ends with the connection, of an instance that crashed. */
static void test_cut_by_crash(void)
{
	const struct instance_end end = { .reason = MF_EXIT_SIGNAL,
					  .status = 11,
					  .why = "signal 11" };
	int c;

	world_new(NULL);
	c = ask(GET);
	put(world.fn_fd, "HTTP/1.1 200 OK\r\n\r\nhel");
	check(ends(get(c), "3\r\nhel\r\n"));
	world.running->ended(world.running, &end);
	close(world.fn_fd);
	world.fn_fd = -1;
	settle();
	check_str(get(c), "");
	check(is_closed(c));
	check_str(world.entry_error, "signal 11");
	finish(c);
}

/* A program that answers and ends has answered. */
static void test_last_words(void)
{
	const struct instance_end end = { .reason = MF_EXIT_FINISHED };
	int c;

	world_new(NULL);
	c = ask(GET);
	check_int(write(world.fn_fd, OK_HELLO, sizeof(OK_HELLO) - 1),
		  sizeof(OK_HELLO) - 1);
	world.running->ended(world.running, &end);
	check(ends(get(c), "hello"));
	check_int(world.done_status, 200);
	finish(c);
}

static void test_bad_chunks(void)
{
	int c;

	world_new(NULL);
	c = ask(GET);
	put(world.fn_fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			 "3\r\nabc\r\n");
	check(ends(get(c), "3\r\nabc\r\n"));
	put(world.fn_fd, "zz\r\n");
	check(is_closed(c));
	check_int(world.broken, 1);
	finish(c);
}

int main(void)
{
	RUN(test_exchange);
	RUN(test_keep_alive);
	RUN(test_pipelining);
	RUN(test_single_bytes);
	RUN(test_events);
	RUN(test_http10);
	RUN(test_head);
	RUN(test_continue);
	RUN(test_continue_refused);
	RUN(test_upgrade);
	RUN(test_no_h2c);
	RUN(test_large);
	RUN(test_backpressure);
	RUN(test_request_limits);
	RUN(test_response_limits);
	RUN(test_garbage);
	RUN(test_too_many_interim);
	RUN(test_two_answers);
	RUN(test_late_answer);
	RUN(test_silent_close);
	RUN(test_instance_ends);
	RUN(test_json);
	RUN(test_cut);
	RUN(test_cut_by_crash);
	RUN(test_last_words);
	RUN(test_bad_chunks);
	return check_done();
}
