/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads as the gateway passes them on, whole and byte by byte, and what of a
 * client's own words is believed.
 */
#include "daemon/gateway/forward.h"
#include "tests/unit/check.h"

#define TP "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static const struct http_limits limits = { 16384, 8192, HTTP_FIELDS_MAX };
static struct http_head head;
static char out[40000];

static const char *parse(bool response, const char *s)
{
	if (response)
		http_response_init(&head, &limits);
	else
		http_request_init(&head, &limits);
	check_int(http_head_parse(&head, s, strlen(s)), HTTP_DONE);
	return s;
}

static const char *request(const char *s, struct forward_request f)
{
	struct text t = { out, 0, sizeof(out) - 1, false };

	f.client = f.client ? f.client : "192.0.2.1";
	f.id = "id";
	f.instance = "inst";
	f.traceparent = TP;
	f.start_us = 5;
	f.body = http_framing(&head, HTTP_OTHER_METHOD);
	forward_request(&t, &head, s, &f);
	check(!t.full);
	out[t.len] = 0;
	return out;
}

#define OURS(host, client)                                       \
	"Host: " host "\r\nX-Forwarded-For: " client             \
	"\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: " host \
	"\r\nForwarded: for=" client ";host=\"" host "\";proto=http\r\n"

#define OURS_H80 OURS("h:80", "192.0.2.1")
#define OUR_IDS                                           \
	"X-Request-Id: id\r\nX-Mayfly-Instance: inst\r\n" \
	"traceparent: " TP "\r\n"                         \
	"X-Request-Start: t=5\r\nVia: 1.1 mayfly\r\n"

static void test_request(void)
{
	const char *s = parse(false, "POST /fn/f/a?b=c HTTP/1.1\r\n"
				     "Host: h:80\r\nContent-Length: 3\r\n"
				     "Accept:  */* \r\nX-A: 1\r\n\r\n");

	check_str(request(s, (struct forward_request){ .prefix_len = 5 }),
		  "POST /a?b=c HTTP/1.1\r\n" OURS_H80 "X-Forwarded-Prefix: "
		  "/fn/f\r\n" OUR_IDS "Accept: */*\r\nX-A: 1\r\n"
		  "Content-Length: 3\r\n\r\n");
}

static void test_targets(void)
{
	const char *s = parse(false, "GET /fn/f HTTP/1.1\r\nHost: h\r\n\r\n");

	check(strncmp(request(s, (struct forward_request){ .prefix_len = 5 }),
		      "GET / HTTP/1.1\r\n", 16) == 0);
	s = parse(false, "GET /fn/f?x HTTP/1.1\r\nHost: h\r\n\r\n");
	check(strncmp(request(s, (struct forward_request){ .prefix_len = 5 }),
		      "GET /?x HTTP/1.1\r\n", 18) == 0);
	s = parse(false, "GET http://h/p HTTP/1.1\r\nHost: h\r\n\r\n");
	check(strncmp(request(s, (struct forward_request){ 0 }),
		      "GET /p HTTP/1.1\r\nHost: h\r\n", 26) == 0);
	s = parse(false, "GET http://h HTTP/1.1\r\nHost: h\r\n\r\n");
	check(strncmp(request(s, (struct forward_request){ 0 }),
		      "GET / HTTP/1.1\r\n", 16) == 0);
	s = parse(false, "GET / HTTP/1.0\r\n\r\n");
	check(strstr(request(s, (struct forward_request){ 0 }),
		     "\r\nHost: localhost\r\n"));
}

/* Of these nothing is passed on, neither as it is nor with _. */
static void test_spoofed(void)
{
	const char *s =
		parse(false,
		      "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: evil\r\n"
		      "X_Forwarded_For: evil\r\nx-forwarded_host: evil\r\n"
		      "Forwarded: for=evil\r\nX-Real-IP: evil\r\n"
		      "X-Forwarded-Proto: evil\r\nX-Forwarded-Prefix: evil\r\n"
		      "X-Request-Id: evil\r\nX-Request-Start: t=evil\r\n"
		      "traceparent: evil\r\ntracestate: evil\r\nProxy: evil\r\n"
		      "X-Mayfly-Instance: evil\r\nContent_Length: evil\r\n"
		      "Transfer_Encoding: evil\r\nA_b: good\r\n\r\n");

	check_str(request(s, (struct forward_request){ 0 }),
		  "GET / HTTP/1.1\r\n" OURS("h", "192.0.2.1") OUR_IDS
		  "A_b: good\r\n\r\n");
}

static void test_hop_by_hop(void)
{
	const char *s = parse(
		false,
		"GET / HTTP/1.1\r\nHost: h\r\nConnection: x-a, keep-alive, "
		"x-forwarded-for\r\nX-A: 1\r\nX-B: 2\r\nKeep-Alive: 5\r\n"
		"TE: trailers\r\nTrailer: x\r\nUpgrade: websocket\r\n"
		"Proxy-Authorization: x\r\nProxy-Connection: x\r\n"
		"Expect: 100-continue\r\nHTTP2-Settings: x\r\n\r\n");

	check_str(request(s, (struct forward_request){ 0 }),
		  "GET / HTTP/1.1\r\n" OURS("h", "192.0.2.1") OUR_IDS
		  "X-B: 2\r\n\r\n");
	check(strstr(request(s, (struct forward_request){ .last = true }),
		     "Connection: close\r\n\r\n"));
}

static void test_upgrade(void)
{
	const char *s = parse(false, "GET / HTTP/1.1\r\nHost: h\r\n"
				     "Connection: Upgrade, keep-alive\r\n"
				     "Upgrade: websocket\r\n"
				     "Sec-WebSocket-Key: k\r\n\r\n");

	check(strstr(request(s, (struct forward_request){ .upgrade = true }),
		     "Sec-WebSocket-Key: k\r\nConnection: Upgrade\r\n"
		     "Upgrade: websocket\r\n\r\n"));
}

static void test_trusted(void)
{
	const char *s = parse(
		false,
		"GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 10.0.0.1\r\n"
		"Forwarded: for=10.0.0.1\r\nX-Forwarded-Proto: https\r\n"
		"X-Forwarded-Host: outer\r\nX-Forwarded-For: 10.0.0.2\r\n"
		"Via: 1.0 a\r\n\r\n");
	const char *got =
		request(s, (struct forward_request){ .client = "2001:db8::1",
						     .trusted = true,
						     .tls = true });

	check(strstr(got, "\r\nX-Forwarded-For: 10.0.0.1, 10.0.0.2, "
			  "2001:db8::1\r\n"));
	check(strstr(got, "\r\nX-Forwarded-Proto: https\r\n"
			  "X-Forwarded-Host: outer\r\n"));
	check(strstr(got, "\r\nForwarded: for=10.0.0.1, "
			  "for=\"[2001:db8::1]\";host=\"h\";proto=https\r\n"));
	check(strstr(got, "\r\nVia: 1.0 a, 1.1 mayfly\r\n"));
}

static void test_token(void)
{
	const char *s = parse(false, "GET / HTTP/1.1\r\nHost: h\r\n"
				     "Authorization: Bearer x\r\n\r\n");

	check(strstr(request(s, (struct forward_request){ 0 }),
		     "Authorization: Bearer x\r\n"));
	check(!strstr(request(s,
			      (struct forward_request){ .hide_token = true }),
		      "Bearer"));
}

static void test_chunked(void)
{
	const char *s = parse(false, "POST / HTTP/1.1\r\nHost: h\r\n"
				     "Transfer-Encoding: Chunked\r\n\r\n");

	check(strstr(request(s, (struct forward_request){ 0 }),
		     "Via: 1.1 mayfly\r\nTransfer-Encoding: chunked\r\n\r\n"));
}

static void test_largest(void)
{
	static char s[16384 + 1];
	struct text t = { out, 0, sizeof(out), false };
	const struct forward_request f = {
		.client = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
		.tls = true,
		.trusted = true,
		.last = true,
		.id = "0123456789012345678901234567890123456789"
		      "012345678901234567890123",
		.instance = "0123456789abcdef0123456789abcdef",
		.traceparent = TP,
		.start_us = UINT64_MAX,
		.prefix_len = 8000,
		.body = HTTP_BY_LENGTH,
	};
	int n = snprintf(s, sizeof(s), "GET /");

	memset(s + n, 'a', 8000);
	n += 8000;
	n += snprintf(s + n, sizeof(s) - (size_t)n,
		      " HTTP/1.1\r\nContent-Length: 9223372036854775807\r\n"
		      "Host: ");
	memset(s + n, 'h', HTTP_AUTHORITY_MAX);
	n += (int)HTTP_AUTHORITY_MAX;
	n += snprintf(s + n, sizeof(s) - (size_t)n, "\r\nA:");
	memset(s + n, 'v', sizeof(s) - 1 - 4 - (size_t)n);
	memcpy(s + sizeof(s) - 5, "\r\n\r\n", 4);
	parse(false, s);
	forward_request(&t, &head, s, &f);
	check(!t.full);
	check(t.len <= sizeof(s) - 1 + FORWARD_EXTRA);
	t = (struct text){ out, 0, 1000, false };
	forward_request(&t, &head, s, &f);
	check(t.full);
}

static void test_response(void)
{
	const char *s = parse(
		true, "HTTP/1.0 404 Not  Here\r\nContent-Length: 5\r\n"
		      "Connection: close, x-a\r\nX-A: 1\r\nKeep-Alive: 5\r\n"
		      "X-Request-Id: wrong\r\nX-Mayfly-Instance: wrong\r\n"
		      "Set-Cookie: a\r\nSet-Cookie: b\r\nAlt-Svc: h3\r\n\r\n");
	const struct forward_response f = { .id = "id",
					    .instance = "inst",
					    .date = "now",
					    .client_minor = 1,
					    .has_length = true };
	struct text t = { out, 0, sizeof(out) - 1, false };

	forward_response(&t, &head, s, &f);
	out[t.len] = 0;
	check_str(out, "HTTP/1.1 404 Not  Here\r\nSet-Cookie: a\r\n"
		       "Set-Cookie: b\r\nDate: now\r\nX-Request-Id: id\r\n"
		       "X-Mayfly-Instance: inst\r\nVia: 1.1 mayfly\r\n"
		       "Content-Length: 5\r\n\r\n");
}

static void test_response_date(void)
{
	const char *s = parse(true, "HTTP/1.1 200 OK\r\nDate: then\r\n\r\n");
	const struct forward_response f = { .id = "id",
					    .instance = "inst",
					    .date = "now",
					    .client_minor = 1,
					    .close = true,
					    .chunked = true };
	struct text t = { out, 0, sizeof(out) - 1, false };

	forward_response(&t, &head, s, &f);
	out[t.len] = 0;
	check_str(out, "HTTP/1.1 200 OK\r\nDate: then\r\nX-Request-Id: id\r\n"
		       "X-Mayfly-Instance: inst\r\nVia: 1.1 mayfly\r\n"
		       "Connection: close\r\nTransfer-Encoding: chunked\r\n"
		       "\r\n");
}

static void test_ids(void)
{
	char s[66];

	memset(s, 'a', sizeof(s));
	check(forward_is_sane_id("aZ09._-", 7));
	check(forward_is_sane_id(s, 64));
	check(!forward_is_sane_id(s, 65));
	check(!forward_is_sane_id("", 0));
	check(!forward_is_sane_id("a b", 3));
	check(!forward_is_sane_id("a\"b", 3));
}

static bool good_traceparent(const char *s)
{
	static const uint8_t random[24] = { 1, 2, 3, [16] = 0xab };
	char got[TRACEPARENT_LEN + 1];
	bool good = forward_traceparent(got, s, s ? strlen(s) : 0, random);

	check_int(strlen(got), TRACEPARENT_LEN);
	check(strncmp(got + 35, "-ab00000000000000-", 18) == 0);
	check(strncmp(got, "00-", 3) == 0);
	check((strncmp(got + 3, "010203", 6) == 0) == !good);
	check(!good || strncmp(got + 3, s + 3, 32) == 0);
	check(!good || strncmp(got + 53, s + 53, 2) == 0);
	return good;
}

static void test_traceparent(void)
{
	check(good_traceparent(TP));
	check(good_traceparent("01" TP "-more") == false);
	check(good_traceparent("cc-0af7651916cd43dd8448eb211c80319c-"
			       "b7ad6b7169203331-00-more"));
	check(!good_traceparent(NULL));
	check(!good_traceparent(""));
	check(!good_traceparent(TP "-more"));
	check(!good_traceparent("ff-0af7651916cd43dd8448eb211c80319c-"
				"b7ad6b7169203331-01"));
	check(!good_traceparent("00-0AF7651916CD43DD8448EB211C80319C-"
				"b7ad6b7169203331-01"));
	check(!good_traceparent("00-00000000000000000000000000000000-"
				"b7ad6b7169203331-01"));
	check(!good_traceparent("00-0af7651916cd43dd8448eb211c80319c-"
				"0000000000000000-01"));
	check(!good_traceparent("00-0af7651916cd43dd8448eb211c80319c "
				"b7ad6b7169203331-01"));
}

int main(void)
{
	RUN(test_request);
	RUN(test_targets);
	RUN(test_spoofed);
	RUN(test_hop_by_hop);
	RUN(test_upgrade);
	RUN(test_trusted);
	RUN(test_token);
	RUN(test_chunked);
	RUN(test_largest);
	RUN(test_response);
	RUN(test_response_date);
	RUN(test_ids);
	RUN(test_traceparent);
	return check_done();
}
