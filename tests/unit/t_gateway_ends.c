/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway when an exchange does not come to be, or ends before its time:
 * refusals, clients that go, what takes too long, too many connections.
 */
#include <sys/resource.h>

#include "tests/unit/gateway_world.h"

/* ---- refusals ------------------------------------------------------------ */

static void check_answer(const char *request, const char *answer)
{
	const char *got;
	int c = ask(request);

	got = get(c);
	if (strncmp(got, answer, strlen(answer)) != 0)
		printf("%s\n%s\n", request, got);
	check_mem(got, answer, strlen(answer));
	check(has(got, "\r\nContent-Length: "));
	close(c);
	spin();
}

static void test_refusals(void)
{
	world_new(NULL);
	check_answer("GET /x HTTP/1.1\r\nHost: h\r\n\r\n",
		     "HTTP/1.1 404 Not Found\r\n");
	check_answer("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
		     "HTTP/1.1 404 Not Found\r\n");
	check_answer("GET /fn/f/ HTTP/1.1\r\n\r\n",
		     "HTTP/1.1 400 Bad Request\r\n");
	check_answer("POST /fn/f/ HTTP/1.0\r\n\r\n",
		     "HTTP/1.1 411 Length Required\r\n");
	check_answer("GET /fn/f/ HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\n",
		     "HTTP/1.1 417 Expectation Failed\r\n");
	check_answer("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n",
		     "HTTP/1.1 501 Not Implemented\r\n");
	check_answer("TRACE /fn/f/ HTTP/1.1\r\nHost: h\r\n\r\n",
		     "HTTP/1.1 501 Not Implemented\r\n");
	check_answer("GET /fn/f/ HTTP/3.0\r\nHost: h\r\n\r\n",
		     "HTTP/1.1 505 HTTP Version Not Supported\r\n");
	check_int(world.submits, 0);
	world.refuse = 429;
	check_answer(GET, "HTTP/1.1 429 Too Many Requests\r\n");
	world.refuse = 504;
	check_answer(GET, "HTTP/1.1 504 Gateway Timeout\r\n");
	world_free();
}

static void test_too_long(void)
{
	static char s[40000];

	world_new(NULL);
	memset(s, 'a', sizeof(s) - 1);
	memcpy(s, "GET /", 5);
	check_answer(s, "HTTP/1.1 414 URI Too Long\r\n");
	memcpy(s, "GET / HTTP/1.1\r\nA: ", 19);
	check_answer(s, "HTTP/1.1 431 Request Header Fields Too Large\r\n");
	world_free();
}

static size_t body_len(const char *answer)
{
	const char *end = strstr(answer, "\r\n\r\n");

	return end ? strlen(end + 4) : 0;
}

/* What we say ourselves is written down like an answer. */
static void test_own_bytes(void)
{
	size_t n;
	int c;

	world_new(NULL);
	c = ask("GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
	n = body_len(get(c));
	check(n > 0);
	check_int(world.entry.bytes_out, n);
	check_int(world_counts[METRIC_RESPONSE_BYTES], n);
	put(c, "HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n");
	check_int(body_len(get(c)), 0);
	check_int(world.entry.status, 404);
	check_int(world.entry.bytes_out, 0);
	put(c, GET);
	put(world.fn_fd, "nonsense\r\n\r\n");
	n = body_len(get(c));
	check(n > 0);
	check_int(world.entry.bytes_out, n);
	check_int(world.done_out, n);
	check_int(world.done_status, 502);
	finish(c);
}

/* Nothing of what follows a request that was not understood is one. */
static void test_smuggling(void)
{
	const char *got;
	int c;

	world_new(NULL);
	c = ask(POST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
		     "0\r\n\r\n" GET);
	got = get(c);
	check(strncmp(got, "HTTP/1.1 400 ", 13) == 0);
	check(!strstr(got + 10, "HTTP/1.1"));
	check(is_closed(c));
	close(c);
	c = ask(POST "Transfer-Encoding: chunked\r\n\r\n0\n\n" GET);
	settle();
	check(strncmp(get(c), "HTTP/1.1 400 ", 13) == 0);
	check_int(world.submits, 1);
	finish(c);
}

static void test_retry_after(void)
{
	int c;

	world_new(NULL);
	world.refuse = 503;
	c = ask(GET);
	check(has(get(c), "\r\nRetry-After: 7\r\n"));
	check_int(world.entry.status, 503);
	world.refuse = 0;
	put(c, GET);
	put(world.fn_fd, OK_HELLO);
	check(ends(get(c), "hello"));
	finish(c);
}

static void test_token(void)
{
	const char *got;
	int c;

	world_new(NULL);
	world.version.spec.needs_token = true;
	check_answer(GET, "HTTP/1.1 401 Unauthorized\r\n");
	check_answer("GET /fn/f/ HTTP/1.1\r\nHost: h\r\n"
		     "Authorization: Bearer secre\r\n\r\n",
		     "HTTP/1.1 401 Unauthorized\r\n");
	check_answer("GET /fn/f/ HTTP/1.1\r\nHost: h\r\n"
		     "Authorization: Basic secret\r\n\r\n",
		     "HTTP/1.1 401 Unauthorized\r\n");
	check_int(world.submits, 0);
	c = ask("GET /fn/f/ HTTP/1.1\r\nHost: h\r\n"
		"Authorization: bearer  secret\r\n\r\n");
	got = get(world.fn_fd);
	check(has(got, "GET / "));
	check(!strstr(got, "secret"));
	finish(c);
}

/* It does not want one itself, but others of its function do. */
static void test_hidden(void)
{
	const char *got;
	int c;

	world_new(NULL);
	world.is_hidden = true;
	check_answer(GET, "HTTP/1.1 401 Unauthorized\r\n");
	check_int(world.submits, 0);
	c = ask("GET /fn/f/ HTTP/1.1\r\nHost: h\r\n"
		"Authorization: Bearer secret\r\n\r\n");
	got = get(world.fn_fd);
	check(has(got, "GET / "));
	check(!strstr(got, "secret"));
	finish(c);
}

/* Functions call each other as their rules allow, and need no token. */
static void test_caller(void)
{
	const char *got;
	int c;

	world_new(NULL);
	world.version.spec.needs_token = true;
	c = gateway_open(world.g, &world.version);
	check(c >= 0);
	put(c, GET);
	check(has(get(c), "HTTP/1.1 403 Forbidden\r\n"));
	world.may_call = true;
	put(c, GET);
	got = get(world.fn_fd);
	check(has(got, "\r\nX-Forwarded-For: _f\r\n"));
	put(world.fn_fd, OK_HELLO);
	check(ends(get(c), "hello"));
	finish(c);
}

/* A function has a share of the connections, not all of them. */
static void test_calls_max(void)
{
	const struct gateway_config config = { .calls_max = 2 };
	int c[2], other;

	world_new(&config);
	c[0] = gateway_open(world.g, &world.version);
	c[1] = gateway_open(world.g, &world.version);
	check(c[0] >= 0 && c[1] >= 0);
	check_int(gateway_open(world.g, &world.version), -EAGAIN);
	check_int(gateway_connections(world.g), 2);
	other = ask(GET);
	put(world.fn_fd, OK_HELLO);
	check(ends(get(other), "hello"));
	close(c[0]);
	spin();
	c[0] = gateway_open(world.g, &world.version);
	check(c[0] >= 0);
	close(c[0]);
	close(c[1]);
	finish(other);
}

/* Only the request that somebody vouched for is free of tokens. */
static void test_adopted(void)
{
	int sv[2];

	world_new(NULL);
	world.version.spec.needs_token = true;
	check_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv), 0);
	check_int(write(sv[1], GET, sizeof(GET) - 1), sizeof(GET) - 1);
	check_int(gateway_adopt(world.g, sv[0], GET, sizeof(GET) - 1), 0);
	spin();
	check(has(get(world.fn_fd), "GET / "));
	put(world.fn_fd, OK_HELLO);
	check(has(get(sv[1]), "\r\nConnection: close\r\n"));
	check_int(world.submits, 1);
	check(is_closed(sv[1]));
	finish(sv[1]);
}

/* ---- clients that go ----------------------------------------------------- */

static void test_client_leaves_queue(void)
{
	int c;

	world_new(NULL);
	world.hold = true;
	c = ask(GET);
	check(world.waiting);
	close(c);
	spin();
	check_int(world.cancels, 1);
	check_int(world.entries, 1);
	check_int(world.entry.status, 0);
	check_str(world.entry_error, "the client went away");
	world_free();
}

/* Before its request was even read: nobody answers. */
static void test_client_left(void)
{
	int c;

	world_new(NULL);
	world.hold = true;
	c = client_connect();
	check_int(write(c, GET, sizeof(GET) - 1), sizeof(GET) - 1);
	close(c);
	spin();
	check_int(world.submits, world.cancels);
	check_int(gateway_connections(world.g), 0);
	world_free();
}

static void test_client_leaves(void)
{
	int c;

	world_new(NULL);
	c = ask(GET);
	put(world.fn_fd, "HTTP/1.1 200 OK\r\n\r\nabc");
	close(c);
	spin();
	check_int(world.dones, 1);
	check_int(world.broken, 0);
	check_int(world.given_up, 1);
	get(world.fn_fd);
	check(is_closed(world.fn_fd));
	c = ask(POST "Content-Length: 10\r\n\r\nabc");
	close(c);
	spin();
	check_int(world.dones, 2);
	check_int(world.given_up, 2);
	c = ask(GET);
	close(c);
	spin();
	check_int(world.given_up, 3);
	c = ask(GET);
	put(world.fn_fd, OK_HELLO);
	check(ends(get(c), "hello"));
	close(c);
	spin();
	check_int(world.dones, 4);
	check_int(world.given_up, 3);
	world_free();
}

/* It has nothing more to say, and still listens. */
static void test_half_closed(void)
{
	int c;

	world_new(NULL);
	c = client_connect();
	check_int(write(c, GET, sizeof(GET) - 1), sizeof(GET) - 1);
	shutdown(c, SHUT_WR);
	spin();
	put(world.fn_fd, OK_HELLO);
	check(ends(get(c), "hello"));
	check(is_closed(c));
	close(c);
	/* But not in the middle of its request. */
	c = client_connect();
	put(c, POST "Content-Length: 10\r\n\r\nabc");
	shutdown(c, SHUT_WR);
	check(is_closed(c));
	check_str(world.entry_error,
		  "the client closed before its request was complete");
	finish(c);
}

/* An answer that comes before the request is complete ends both. */
static void test_early_answer(void)
{
	int c;

	world_new(NULL);
	c = ask(POST "Content-Length: 10\r\n\r\nabc");
	put(world.fn_fd, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
	check(has(get(c), "HTTP/1.1 413 Too Large\r\n"));
	check(is_closed(c));
	check_int(world.dones, 1);
	check(list_empty(&world.links));
	finish(c);
}

/* ---- time ---------------------------------------------------------------- */

static void test_slow_head(void)
{
	const struct gateway_config config = { .head_ms = 20 };
	int c, d;

	world_new(&config);
	c = client_connect();
	put(c, "GET / HT");
	d = client_connect();
	settle();
	check(has(get(c), "HTTP/1.1 408 Request Timeout\r\n"));
	check(is_closed(d));
	close(d);
	finish(c);
}

static void test_idle_client(void)
{
	const struct gateway_config config = { .keep_ms = 20 };
	int c;

	world_new(&config);
	c = ask(GET);
	put(world.fn_fd, OK_HELLO);
	check(ends(get(c), "hello"));
	settle();
	check(is_closed(c));
	finish(c);
}

static void test_first_byte(void)
{
	int c;

	world_new(NULL);
	world.version.spec.first_byte_ms = 20;
	c = ask(GET);
	settle();
	check(has(get(c), "504 Gateway Timeout: the function sent no answer "
			  "within 20 ms"));
	check_int(world.broken, 1);
	finish(c);
}

static void test_total(void)
{
	int c;

	world_new(NULL);
	world.version.spec.total_ms = 20;
	world.hold = true;
	c = ask(GET);
	settle();
	check(has(get(c), "504 Gateway Timeout: the request took longer than "
			  "20 ms"));
	check_int(world.cancels, 1);
	finish(c);
}

static void test_idle(void)
{
	int c;

	world_new(NULL);
	world.version.spec.idle_ms = 20;
	c = ask(GET);
	put(world.fn_fd, "HTTP/1.1 200 OK\r\n\r\nabc");
	check(ends(get(c), "3\r\nabc\r\n"));
	settle();
	check(is_closed(c));
	check_int(world.broken, 1);
	close(c);
	c = ask(POST "Content-Length: 10\r\n\r\nabc");
	settle();
	check(has(get(c), "408 Request Timeout: nothing of the request's body "
			  "came for 20 ms"));
	check_int(world.broken, 1);
	finish(c);
}

static void test_slow_reader(void)
{
	const struct gateway_config config = { .send_ms = 30 };
	static char data[65536];
	int c;

	world_new(&config);
	c = ask(GET);
	put(world.fn_fd, "HTTP/1.1 200 OK\r\n\r\n");
	for (int i = 0; i < 100; i++) {
		(void)!write(world.fn_fd, data, sizeof(data));
		loop_once(world.loop, 0);
	}
	settle();
	check_int(world.dones, 1);
	check_int(world.broken, 0);
	check_str(world.entry_error, "the client took nothing of the answer");
	finish(c);
}

static int open_tunnel(const struct gateway_config *config)
{
	int c;

	world_new(config);
	c = ask("GET /fn/f/ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
		"Upgrade: websocket\r\n\r\n");
	put(world.fn_fd, "HTTP/1.1 101 Switching Protocols\r\nConnection: "
			 "upgrade\r\nUpgrade: websocket\r\n\r\n");
	get(c);
	return c;
}

/* Until the exchange has ended, but not for ever. */
static void until_done(void)
{
	for (int i = 0; i < 2500 && !world.dones; i++)
		check_int(loop_once(world.loop, 2), 0);
	check_int(world.dones, 1);
}

/* With one side ended, a tunnel that is quiet ends. */
static void test_half_tunnel(void)
{
	const struct gateway_config config = { .half_ms = 300 };
	int c = open_tunnel(&config);

	settle();
	shutdown(c, SHUT_WR);
	spin();
	check(!is_closed(c));
	put(world.fn_fd, "late");
	check_str(get(c), "late");
	check_int(world.dones, 0);
	until_done();
	check(is_closed(c));
	check_str(world.entry_error,
		  "nothing came for too long after one side had ended");
	finish(c);
	c = open_tunnel(&config);
	shutdown(world.fn_fd, SHUT_WR);
	check(is_closed(c));
	check_int(world.dones, 0);
	until_done();
	finish(c);
}

/* The client is gone, and the function takes nothing of what it said. */
static void test_tunnel_unread(void)
{
	const struct gateway_config config = { .half_ms = 300 };
	int c = open_tunnel(&config);
	static char data[65536];

	for (int i = 0; i < 100; i++) {
		(void)!write(c, data, sizeof(data));
		loop_once(world.loop, 0);
	}
	close(c);
	spin();
	check_int(world.dones, 0);
	until_done();
	check_int(gateway_connections(world.g), 0);
	world_free();
}

/* Nothing ends a tunnel. */
static void test_tunnel_time(void)
{
	int c = open_tunnel(NULL);

	world.version.spec.idle_ms = 10;
	world.version.spec.total_ms = 20;
	settle();
	put(world.fn_fd, "late");
	check_str(get(c), "late");
	finish(c);
}

/* ---- many ---------------------------------------------------------------- */

/* Those who are idle make room; when nobody is, the next one waits. */
static void test_connections_max(void)
{
	const struct gateway_config config = { .connections_max = 2 };
	int c[4];

	world_new(&config);
	c[0] = client_connect();
	c[1] = client_connect();
	check_int(gateway_connections(world.g), 2);
	c[2] = client_connect();
	check(is_closed(c[0]));
	world.hold = true;
	put(c[1], GET);
	put(c[2], GET);
	c[3] = client_connect();
	put(c[3], GET);
	check_int(world.submits, 2);
	world.hold = false;
	close(c[1]);
	settle();
	check_int(world.submits, 3);
	close(c[0]);
	close(c[2]);
	finish(c[3]);
}

/* Without descriptors nobody is lost: they wait until there are some. */
static void test_no_descriptors(void)
{
	struct rlimit before, none;
	int c, next;

	world_new(NULL);
	c = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	next = dup(c);
	close(next);
	check_int(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)next;
	check_int(setrlimit(RLIMIT_NOFILE, &none), 0);
	check_int(connect(c, (void *)&world_addr, world_addr_len), 0);
	check_int(write(c, GET, sizeof(GET) - 1), sizeof(GET) - 1);
	spin();
	check_int(setrlimit(RLIMIT_NOFILE, &before), 0);
	check_int(gateway_connections(world.g), 0);
	settle();
	check_int(gateway_connections(world.g), 1);
	check(has(get(world.fn_fd), "GET / "));
	finish(c);
}

static void test_metrics(void)
{
	int c;

	world_new(NULL);
	c = ask(GET);
	world_source->collect(world_source, NULL);
	check_int(world_counts[METRIC_IN_FLIGHT], 1);
	check_int(world_counts[METRIC_CONNECTIONS], 1);
	put(world.fn_fd, OK_HELLO);
	check(ends(get(c), "hello"));
	world_source->collect(world_source, NULL);
	check_int(world_counts[METRIC_IN_FLIGHT], 0);
	check_int(world_counts[METRIC_REQUESTS], 1);
	check_int(world_counts[METRIC_REQUEST_SECONDS], 1);
	check_int(world_counts[METRIC_RESPONSE_BYTES], 5);
	put(c, "\n");
	check_int(world_counts[METRIC_BAD_REQUESTS], 1);
	world_source->collect(world_source, NULL);
	check_int(world_counts[METRIC_IN_FLIGHT], 0);
	finish(c);
	check_ptr(world_source, NULL);
}

static unsigned drained;

static void on_drained(void *ctx)
{
	(void)ctx;
	drained++;
}

static void test_drain(void)
{
	int c, d;

	world_new(NULL);
	drained = 0;
	c = ask(GET);
	d = client_connect();
	gateway_drain(world.g, on_drained, NULL);
	spin();
	check(is_closed(d));
	check_int(drained, 0);
	put(world.fn_fd, OK_HELLO);
	check(ends(get(c), "hello"));
	check(is_closed(c));
	close(c);
	close(d);
	settle();
	check_int(drained, 1);
	world_free();
}

int main(void)
{
	RUN(test_refusals);
	RUN(test_too_long);
	RUN(test_own_bytes);
	RUN(test_smuggling);
	RUN(test_retry_after);
	RUN(test_token);
	RUN(test_hidden);
	RUN(test_caller);
	RUN(test_calls_max);
	RUN(test_adopted);
	RUN(test_client_leaves_queue);
	RUN(test_client_left);
	RUN(test_client_leaves);
	RUN(test_half_closed);
	RUN(test_early_answer);
	RUN(test_slow_head);
	RUN(test_idle_client);
	RUN(test_first_byte);
	RUN(test_total);
	RUN(test_idle);
	RUN(test_slow_reader);
	RUN(test_half_tunnel);
	RUN(test_tunnel_unread);
	RUN(test_tunnel_time);
	RUN(test_connections_max);
	RUN(test_no_descriptors);
	RUN(test_metrics);
	RUN(test_drain);
	return check_done();
}
