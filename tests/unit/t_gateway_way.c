/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway's way to an instance: connections that are kept, that turn out
 * to be closed, that cannot be made.
 */
#include "tests/unit/gateway_world.h"

/* A client whose first request was answered: the connection to the function
 * is kept. */
static int client_answered(void)
{
	int c;

	world_new(NULL);
	c = ask(GET);
	put(world.fn_fd, OK_HELLO);
	get(c);
	return c;
}

/* The function's end of the connection that is kept; the next is another. */
static int kept_take(void)
{
	int fd = world.fn_fd;

	world.fn_fd = -1;
	return fd;
}

/* A kept connection that the function closes at the next request. */
static void test_retry(void)
{
	int c = client_answered(), old = kept_take();

	put(c, GET);
	check(has(get(old), "GET / "));
	close(old);
	spin();
	check_int(world.connects, 2);
	check(has(get(world.fn_fd), "GET / "));
	put(world.fn_fd, OK_HELLO);
	check(ends(get(c), "hello"));
	check_int(world.broken, 0);
	finish(c);
}

/* The function closes a kept connection instead of answering; whether the
 * request is sent to it again. */
static void check_retry(const char *request, bool again)
{
	int c = client_answered(), old = kept_take();

	put(c, request);
	check(strlen(get(old)) > 0);
	close(old);
	settle();
	check_int(world.connects, again ? 2 : 1);
	if (!again)
		check(has(get(c), "502 Bad Gateway"));
	finish(c);
}

/* Not if some of the body is on its way, or to do it twice is not the same:
 * it could be done twice. */
static void test_no_retry(void)
{
	check_retry(POST "Content-Length: 1\r\n\r\nx", false);
	check_retry(POST "Content-Length: 0\r\n\r\n", false);
	check_retry(POST "\r\n", false);
	check_retry("PATCH /fn/f/ HTTP/1.1\r\nHost: h\r\n\r\n", false);
	check_retry("PAY /fn/f/ HTTP/1.1\r\nHost: h\r\n\r\n", false);
	check_retry("DELETE /fn/f/ HTTP/1.1\r\nHost: h\r\n\r\n", true);
	check_retry("PUT /fn/f/ HTTP/1.1\r\nHost: h\r\n\r\n", true);
	check_retry("PUT /fn/f/ HTTP/1.1\r\nHost: h\r\n"
		    "Content-Length: 1\r\n\r\nx",
		    false);
}

/* It took nothing of the request: that can be anything. */
static void test_retry_unwritten(void)
{
	int c = client_answered(), old = kept_take();

	shutdown(old, SHUT_RD);
	put(c, POST "\r\n");
	check_int(world.connects, 1);
	close(old);
	spin();
	check_int(world.connects, 2);
	check(has(get(world.fn_fd), "POST / "));
	put(world.fn_fd, OK_HELLO);
	check(ends(get(c), "hello"));
	finish(c);
}

/* A kept connection that was closed is not taken at all. */
static void test_kept_closed(void)
{
	int c = client_answered();

	check(!list_empty(&world.links));
	close(kept_take());
	spin();
	check(list_empty(&world.links));
	finish(c);
}

static void test_not_kept(void)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n"
		"\r\n",
		"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
	};
	int c;

	world_new(NULL);
	c = client_connect();
	for (int i = 0; i < 2; i++) {
		put(c, GET);
		put(world.fn_fd, answers[i]);
		check(has(get(c), "HTTP/1.1 200 OK\r\n"));
		check(list_empty(&world.links));
	}
	world.version.spec.isolation = ISOLATION_REQUEST;
	put(c, GET);
	check(has(get(world.fn_fd), "Connection: close\r\n"));
	put(world.fn_fd, OK_HELLO);
	check(ends(get(c), "hello"));
	check(list_empty(&world.links));
	finish(c);
}

static void test_queue_full(void)
{
	int c;

	world_new(NULL);
	world.connect_error = EAGAIN;
	c = ask(GET);
	check_str(get(c), "");
	world.connect_error = 0;
	settle();
	check(has(get(world.fn_fd), "GET / "));
	put(world.fn_fd, OK_HELLO);
	check(ends(get(c), "hello"));
	world.connect_error = ECONNREFUSED;
	list_init(&world.links);
	put(c, GET_CLOSE);
	settle();
	check(has(get(c), "502 Bad Gateway: the instance cannot be reached: "
			  "Connection refused"));
	finish(c);
}

int main(void)
{
	RUN(test_retry);
	RUN(test_no_retry);
	RUN(test_retry_unwritten);
	RUN(test_kept_closed);
	RUN(test_not_kept);
	RUN(test_queue_full);
	return check_done();
}
