/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP heads and the chunked coding: what is understood, and a table of
 * messages that two parsers have been known to read differently, each of
 * which must be refused with a status. Every case is also given in pieces,
 * split at each byte, which must not matter.
 */
#include <stdlib.h>

#include "http/chunked.h"
#include "http/head.h"
#include "tests/unit/check.h"

#define H "Host: a\r\n"

static const struct http_limits limits = { .head_bytes = 400,
					   .line_bytes = 100,
					   .fields = 8 };

static struct http_head head;

static void head_init(bool response)
{
	if (response)
		http_response_init(&head, &limits);
	else
		http_request_init(&head, &limits);
}

static enum http_state parse(bool response, const char *s, size_t len)
{
	head_init(response);
	return http_head_parse(&head, s, len);
}

/* The status it is refused with, 0 if it is accepted, -1 if it goes on. */
static int verdict(enum http_state st)
{
	return st == HTTP_BAD ? head.answer : st == HTTP_DONE ? 0 : -1;
}

static void check_message(bool response, const char *s, size_t len, int want)
{
	enum http_state st;
	int got = verdict(parse(response, s, len));

	if (got != want)
		printf("%s\n%s\n", s, head.why ? head.why : "(no reason)");
	check_int(got, want);
	for (size_t cut = 0; cut <= len; cut++) {
		head_init(response);
		st = http_head_parse(&head, s, cut);
		if (st == HTTP_MORE)
			st = http_head_parse(&head, s, len);
		check_int(verdict(st), want);
	}
	check(want <= 0 || head.why);
}

static bool span_is(const char *buf, struct http_span s, const char *want)
{
	return s.len == strlen(want) && memcmp(buf + s.off, want, s.len) == 0;
}

struct bad {
	int answer;
	const char *text;
};

/* ---- requests ------------------------------------------------------------ */

static const struct bad bad_requests[] = {
	/* lines */
	{ 400, "GET / HTTP/1.1\nHost: a\n\n" },
	{ 400, "GET / HTTP/1.1\r\nHost: a\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\nHost: a\r\n\n" },
	{ 400, "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\n" H "A: b\rC: d\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\n" H "A: b\r\r\n\r\n" },
	{ 400, "\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n" },
	{ 400, "\nGET / HTTP/1.1\r\n" H "\r\n" },
	/* folded fields, spaces before the colon, names */
	{ 400, "GET / HTTP/1.1\r\n" H "A: b\r\n c\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\n" H "A: b\r\n\tc: d\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H "Content-Length\t: 1\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\n" H ": b\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\n" H "no colon\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\n" H "A(b): c\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\n" H "\xc3\xa4: c\r\n\r\n" },
	/* control bytes */
	{ 400, "GET / HTTP/1.1\r\n" H "A: b\x01\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\n" H "A: b\x7f\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\n" H "A: b\vc\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\n" H "A\x0b: b\r\n\r\n" },
	/* both lengths, several, none that is a number */
	{ 400, "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n"
	       "Transfer-Encoding: chunked\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n"
	       "Content-Length: 5\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H
	       "Content-Length: 5\r\nContent-Length: 6\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H
	       "Content-Length: 5\r\ncontent-length: 5\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H "Content-Length: 5 5\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H "Content-Length: 5;\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H "Content-Length: 5.0\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H "Content-Length: \"5\"\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H
	       "Content-Length: 9223372036854775808\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H
	       "Content-Length: 18446744073709551621\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H
	       "Content-Length: 00000000000000000005\r\n\r\n" },
	/* transfer codings */
	{ 400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, "
	       "chunked\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n"
	       "Transfer-Encoding: chunked\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n"
	       "Transfer-Encoding: identity\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n" },
	{ 400,
	  "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H
	       "Transfer-Encoding: chunked, identity\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: ,chunked\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked;q=1\r\n"
	       "\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n"
	       "\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: \vchunked\r\n"
	       "\r\n" },
	{ 501, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n" },
	{ 501, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\n\r\n" },
	{ 400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" },
	/* Host */
	{ 400, "GET / HTTP/1.1\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\n" H H "\r\n" },
	{ 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\nHost:\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\nHost: a:x\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\nHost: :80\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n" },
	{ 400, "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n" },
	{ 400, "GET http://b/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" },
	/* targets */
	{ 400, "GET  / HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET /  HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET / HTTP/1.1 \r\n" H "\r\n" },
	{ 400, " GET / HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET /a b HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET /\tb HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET\t/ HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET a HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET * HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET ?a HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET /#a HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET /a?b#c HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET /\\a HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET /\"a HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET /%4 HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET /%zz HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET /?\xc3\xa4 HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET ftp://a/ HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET http:///x HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET http://u:p@a/ HTTP/1.1\r\n" H "\r\n" },
	{ 400, "CONNECT / HTTP/1.1\r\n" H "\r\n" },
	{ 400, "CONNECT a HTTP/1.1\r\n" H "\r\n" },
	{ 400, "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n"
	       "Content-Length: 1\r\n\r\n" },
	/* methods and versions */
	{ 400, "/ HTTP/1.1\r\n" H "\r\n" },
	{ 400, "G@T / HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET:/ HTTP/1.1\r\n" H "\r\n" },
	{ 400, "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET /\r\n" },
	{ 400, "GET\r\n" },
	{ 400, "GET / http/1.1\r\n" H "\r\n" },
	{ 400, "GET / HTTP/1.10\r\n" H "\r\n" },
	{ 400, "GET / HTTP/01.1\r\n" H "\r\n" },
	{ 400, "GET / HTTP/1,1\r\n" H "\r\n" },
	{ 400, "GET / HTTP/+1.1\r\n" H "\r\n" },
	{ 505, "GET / HTTP/0.9\r\n" H "\r\n" },
	{ 505, "GET / HTTP/1.2\r\n" H "\r\n" },
	{ 505, "GET / HTTP/2.0\r\n" H "\r\n" },
	{ 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
	/* options */
	{ 400, "GET / HTTP/1.1\r\n" H "Connection: Host\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\n" H "Content-Length: 1\r\n"
	       "Connection: close, content-length\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\n" H "Connection: a b\r\n\r\n" },
	{ 417, "GET / HTTP/1.1\r\n" H "Expect: 200-ok\r\n\r\n" },
	/* limits */
	{ 431, "GET / HTTP/1.1\r\n" H "1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n"
	       "7:\r\n8:\r\n\r\n" },
};

static void test_bad_requests(void)
{
	for (size_t i = 0; i < sizeof(bad_requests) / sizeof(struct bad); i++)
		check_message(false, bad_requests[i].text,
			      strlen(bad_requests[i].text),
			      bad_requests[i].answer);
}

/* A NUL ends a C string and no line. */
static void test_nul(void)
{
	static const char value[] = "GET / HTTP/1.1\r\n" H "A: b\0c\r\n\r\n",
			  name[] = "GET / HTTP/1.1\r\n" H "A\0: b\r\n\r\n",
			  path[] = "GET /\0 HTTP/1.1\r\n" H "\r\n",
			  host[] = "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n";

	check_message(false, value, sizeof(value) - 1, 400);
	check_message(false, name, sizeof(name) - 1, 400);
	check_message(false, path, sizeof(path) - 1, 400);
	check_message(false, host, sizeof(host) - 1, 400);
}

static const char *const good_requests[] = {
	"GET / HTTP/1.1\r\n" H "\r\n",
	"\r\nGET / HTTP/1.1\r\n" H "\r\n",
	"GET / HTTP/1.0\r\n\r\n",
	"GET /a%20b;c=1/../x|y?q=[1]&{a}^`\\ HTTP/1.1\r\n" H "\r\n",
	"GET / HTTP/1.1\r\nhOsT:\t a:65535 \t\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: [::ffff:1.2.3.4]:80\r\n\r\n",
	"GET http://a:1?q HTTP/1.1\r\nHost: a:1\r\n\r\n",
	"OPTIONS * HTTP/1.1\r\n" H "\r\n",
	"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
	"M-SEARCH / HTTP/1.1\r\n" H "\r\n",
	"POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n",
	"POST / HTTP/1.1\r\n" H "Content-Length: 007\r\n\r\n",
	"POST / HTTP/1.1\r\n" H "Content-Length: 9223372036854775807\r\n\r\n",
	"POST / HTTP/1.1\r\n" H "Transfer-Encoding: CHUNKED \r\n\r\n",
	"GET / HTTP/1.1\r\n" H "A:\r\nB: \xc3\xa4\tb\r\nA: ,\r\n\r\n",
	"GET / HTTP/1.1\r\n" H "Connection: , close,,x-y\r\n\r\n",
	"GET / HTTP/1.1\r\n" H "1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n"
	"\r\n",
};

static void test_good_requests(void)
{
	size_t count = sizeof(good_requests) / sizeof(good_requests[0]);

	for (size_t i = 0; i < count; i++) {
		check_message(false, good_requests[i], strlen(good_requests[i]),
			      0);
		check_int(head.len, strlen(good_requests[i]));
	}
}

static void test_request_parts(void)
{
	static const char s[] =
		"POST /a/b?c=d?e HTTP/1.1\r\nHost: x.y:80\r\n"
		"Content-Length: 12\r\nX-Thing:  some words \r\n"
		"Connection: Upgrade, x-thing\r\nUpgrade: websocket\r\n"
		"Expect: 100-Continue\r\n\r\nbody";
	const struct http_field *f;

	check_int(parse(false, s, sizeof(s) - 1), HTTP_DONE);
	check_int(head.len, sizeof(s) - 1 - 4);
	check_int(head.method, HTTP_POST);
	check(span_is(s, head.method_text, "POST"));
	check(span_is(s, head.target, "/a/b?c=d?e"));
	check(span_is(s, head.path, "/a/b"));
	check(span_is(s, head.query, "c=d?e"));
	check(span_is(s, head.host, "x.y:80"));
	check_int(head.minor, 1);
	check(head.has_length && !head.chunked);
	check_int(head.length, 12);
	check(head.upgrade && head.nominates && head.expect_continue);
	check(!head.close && http_is_persistent(&head));
	check_int(http_framing(&head, HTTP_OTHER_METHOD), HTTP_BY_LENGTH);
	check_int(head.field_count, 6);
	f = http_find_text(&head, s, "x-thing");
	check(f && span_is(s, f->value, "some words"));
	check(http_is_hop_by_hop(&head, s, f));
	f = http_find(&head, HTTP_UPGRADE);
	check(f && span_is(s, f->value, "websocket"));
	check(http_is_hop_by_hop(&head, s, f));
	check(!http_is_hop_by_hop(&head, s, http_find(&head, HTTP_HOST)));
	check_ptr(http_find(&head, HTTP_COOKIE), NULL);
	check_ptr(http_find_text(&head, s, "x-thin"), NULL);
}

static void test_targets(void)
{
	static const char a[] =
		"GET http://h:8/p/q?r HTTP/1.1\r\nHost: h:8\r\n\r\n";
	static const char b[] = "GET http://h HTTP/1.0\r\n\r\n";
	static const char c[] = "GET /? HTTP/1.0\r\n\r\n";

	check_int(parse(false, a, sizeof(a) - 1), HTTP_DONE);
	check_int(head.form, HTTP_ABSOLUTE_FORM);
	check(span_is(a, head.path, "/p/q"));
	check(span_is(a, head.query, "r"));
	check(span_is(a, head.host, "h:8"));
	check_int(parse(false, b, sizeof(b) - 1), HTTP_DONE);
	check_int(head.path.len, 0);
	check_int(head.query.off, 0);
	check(span_is(b, head.host, "h"));
	check_int(parse(false, c, sizeof(c) - 1), HTTP_DONE);
	check(head.query.off > 0 && head.query.len == 0);
	check_int(head.host.len, 0);
}

static void test_persistence(void)
{
	static const struct {
		const char *version, *option;
		bool want;
	} cases[] = {
		{ "1.1", "x", true },
		{ "1.1", "close", false },
		{ "1.0", "x", false },
		{ "1.0", "keep-alive", true },
		{ "1.0", "KEEP-ALIVE", true },
		{ "1.1", "a, Close", false },
		{ "1.0", "keep-alive, close", false },
	};
	char s[200];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(s, sizeof(s),
			 "GET / HTTP/%s\r\n" H "Connection: %s\r\n\r\n",
			 cases[i].version, cases[i].option);
		check_int(parse(false, s, strlen(s)), HTTP_DONE);
		check_int(http_is_persistent(&head), cases[i].want);
	}
}

/* The first byte too many decides, whether the line has ended or not. */
static void test_limits(void)
{
	char s[600];

	memset(s, 'a', sizeof(s));
	memcpy(s, "GET /", 5);
	check_int(verdict(parse(false, s, 99)), -1);
	check_int(verdict(parse(false, s, 100)), 414);
	check_int(verdict(parse(false, s, 600)), 414);
	memcpy(s, "GET / HTTP/1.1\r\nA: ", 19);
	check_int(verdict(parse(false, s, 399)), -1);
	check_int(verdict(parse(false, s, 400)), 431);
	memcpy(s + 389, "\r\nHost: a\r\n", 11);
	check_message(false, s, 400, 431);
	memcpy(s + 387, "\r\nHost: a\r\n\r\n", 13);
	check_message(false, s, 400, 0);
	memset(s, 'a', sizeof(s));
	check_int(verdict(parse(true, s, 600)), 502);
}

/* ---- responses ----------------------------------------------------------- */

static const char *const bad_responses[] = {
	"HTTP/1.1 200 OK\nA: b\n\n",
	"HTTP/2 200\r\n\r\n",
	"HTTP/1.1\r\n\r\n",
	"HTTP/1.1 20\r\n\r\n",
	"HTTP/1.1 2000\r\n\r\n",
	"HTTP/1.1  200\r\n\r\n",
	"HTTP/1.1 099 x\r\n\r\n",
	"HTTP/1.1 600 x\r\n\r\n",
	"HTTP/1.1 200 a\x01\r\n\r\n",
	"\r\nHTTP/1.1 200 OK\r\n\r\n",
	"Status: 200\r\n\r\n",
	"garbage\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
	("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
	 "Transfer-Encoding: chunked\r\n\r\n"),
	"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
	"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
	"HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n",
	"HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n",
	"HTTP/1.1 100 x\r\nContent-Length: 5\r\n\r\n",
	"HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n",
	"HTTP/1.1 101 x\r\nConnection: upgrade\r\n\r\n",
};

static void test_bad_responses(void)
{
	size_t count = sizeof(bad_responses) / sizeof(bad_responses[0]);

	for (size_t i = 0; i < count; i++)
		check_message(true, bad_responses[i], strlen(bad_responses[i]),
			      502);
}

static void test_framing(void)
{
	static const struct {
		const char *text;
		enum http_method asked;
		enum http_framing want;
	} cases[] = {
		{ "200 OK\r\nContent-Length: 5", HTTP_GET, HTTP_BY_LENGTH },
		{ "200 OK\r\nContent-Length: 5", HTTP_HEAD, HTTP_NO_BODY },
		{ "200 OK\r\nContent-Length: 5", HTTP_CONNECT, HTTP_TUNNEL },
		{ "404 x\r\nContent-Length: 5", HTTP_CONNECT, HTTP_BY_LENGTH },
		{ "200 OK\r\nTransfer-Encoding: chunked", HTTP_POST,
		  HTTP_BY_CHUNKS },
		{ "200 OK\r\nTransfer-Encoding: chunked", HTTP_HEAD,
		  HTTP_NO_BODY },
		{ "200\r\nA: b", HTTP_GET, HTTP_BY_CLOSE },
		{ "500 \r\nA: b", HTTP_GET, HTTP_BY_CLOSE },
		{ "304 x\r\nContent-Length: 5", HTTP_GET, HTTP_NO_BODY },
		{ "204 x\r\nContent-Length: 0", HTTP_GET, HTTP_NO_BODY },
		{ "100 x\r\nA: b", HTTP_POST, HTTP_NO_BODY },
		{ "101 x\r\nConnection: upgrade\r\nUpgrade: a", HTTP_GET,
		  HTTP_TUNNEL },
	};
	char s[200];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(s, sizeof(s), "HTTP/1.1 %s\r\n\r\n", cases[i].text);
		check_message(true, s, strlen(s), 0);
		check_int(http_framing(&head, cases[i].asked), cases[i].want);
	}
	check_int(parse(true, "HTTP/1.0 404 Not  Found\r\n\r\n", 27),
		  HTTP_DONE);
	check_int(head.status, 404);
	check(span_is("HTTP/1.0 404 Not  Found\r\n\r\n", head.reason,
		      "Not  Found"));
	check(!http_is_persistent(&head));
	check_int(parse(false, good_requests[0], strlen(good_requests[0])),
		  HTTP_DONE);
	check_int(http_framing(&head, HTTP_OTHER_METHOD), HTTP_NO_BODY);
	check_int(parse(false, good_requests[13], strlen(good_requests[13])),
		  HTTP_DONE);
	check_int(http_framing(&head, HTTP_OTHER_METHOD), HTTP_BY_CHUNKS);
}

/* ---- chunked ------------------------------------------------------------- */

/* Decodes in pieces of `step`. Returns bytes taken, or -1; data to `out`. */
static ssize_t decode(const char *s, size_t len, size_t step, char *out)
{
	struct http_chunked c;
	size_t taken = 0, data, n, total = 0;
	char piece[256];
	ssize_t r;

	http_chunked_init(&c);
	while (taken < len && !http_chunked_done(&c)) {
		n = len - taken < step ? len - taken : step;
		memcpy(piece, s + taken, n);
		r = http_chunked_decode(&c, piece, n, &data);
		memcpy(out + total, piece, data);
		total += data;
		if (r < 0) {
			check(c.why);
			return -1;
		}
		taken += (size_t)r;
	}
	out[total] = 0;
	return http_chunked_done(&c) ? (ssize_t)taken : 0;
}

static void check_chunked(const char *s, const char *want, size_t rest)
{
	char out[256];

	for (size_t step = 1; step <= strlen(s); step++) {
		check_int(decode(s, strlen(s), step, out),
			  (ssize_t)(strlen(s) - rest));
		check_str(out, want);
	}
}

static void test_chunked(void)
{
	check_chunked("0\r\n\r\n", "", 0);
	check_chunked("5\r\nhello\r\n0\r\n\r\n", "hello", 0);
	check_chunked("5\r\nhello\r\nA\r\n, you all.\r\n000\r\n\r\nGET /",
		      "hello, you all.", 5);
	check_chunked("1;a=b;c=\"d\"\r\nx\r\n0; last\r\n\r\n", "x", 0);
	check_chunked("1\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\nrest", "x", 4);
	check_chunked("4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n", 0);
}

static void test_bad_chunks(void)
{
	static const char *const cases[] = {
		"\r\n",
		"5\nhello\r\n0\r\n\r\n",
		"5\r\nhello\n0\r\n\r\n",
		"5\r\nhello0\r\n\r\n",
		"5\r\nhello!\r\n0\r\n\r\n",
		"5\r\rhello\r\n",
		" 5\r\nhello\r\n",
		"5 \r\nhello\r\n",
		"5 ;a\r\nhello\r\n",
		"+5\r\nhello\r\n",
		"-1\r\n",
		"0x5\r\nhello\r\n",
		"g\r\n",
		";a\r\n",
		"5;a\nhello\r\n0\r\n\r\n",
		"5;a\x01\r\nhello\r\n",
		"5;a\rb\r\nhello\r\n",
		"10000000000000000\r\n",
		"ffffffffffffffff\r\n",
		"0000000000000005\r\nhello\r\n",
		"0\r\n\n",
		"0\r\n\rx",
		"0\r\nA\r\n\r\n",
		"0\r\nA : b\r\n\r\n",
		"0\r\n: b\r\n\r\n",
		"0\r\n A: b\r\n\r\n",
		"0\r\nA: b\n\r\n",
		"0\r\nA: \x01\r\n\r\n",
		"0\r\nA: b\rc\r\n\r\n",
	};
	char out[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t step = 1; step <= strlen(cases[i]); step++) {
			if (decode(cases[i], strlen(cases[i]), step, out) >= 0)
				printf("%s\n", cases[i]);
			check_int(decode(cases[i], strlen(cases[i]), step, out),
				  -1);
		}
}

/* Data that came before what is wrong still counts. */
static void test_chunk_data_before_error(void)
{
	char s[] = "5\r\nhelloX";
	struct http_chunked c;
	size_t data;

	http_chunked_init(&c);
	check_int(http_chunked_decode(&c, s, strlen(s), &data), -1);
	check_int(data, 5);
	check_mem(s, "hello", 5);
	check_int(http_chunked_decode(&c, s, 1, &data), -1);
	check_int(data, 0);
}

/* Takes bytes that all are `fill`; returns how many until it is too much. */
static unsigned flood(struct http_chunked *c, const char *begin, char fill)
{
	char s[64];
	size_t data;
	unsigned n;

	memcpy(s, begin, strlen(begin));
	http_chunked_init(c);
	check(http_chunked_decode(c, s, strlen(begin), &data) > 0);
	for (n = 0; n < 100000; n++) {
		s[0] = fill;
		if (http_chunked_decode(c, s, 1, &data) < 0)
			break;
	}
	return n;
}

static void test_chunk_limits(void)
{
	struct http_chunked c;

	check_int(flood(&c, "5;", 'a'), HTTP_EXTENSIONS_MAX);
	check_int(flood(&c, "0\r\n", 'a'), HTTP_TRAILERS_MAX);
	check_int(flood(&c, "0\r\nA:", 'a'), HTTP_TRAILERS_MAX - 2);
}

static void check_chunk_head(uint64_t len, const char *want)
{
	char out[HTTP_CHUNK_HEAD_MAX + 1];

	out[http_chunk_head(out, len)] = 0;
	check_str(out, want);
}

static void test_chunk_head(void)
{
	check_chunk_head(1, "1\r\n");
	check_chunk_head(16, "10\r\n");
	check_chunk_head(0xabcdef, "abcdef\r\n");
	check_chunk_head(UINT64_MAX, "ffffffffffffffff\r\n");
}

/* ---- names --------------------------------------------------------------- */

static void test_names(void)
{
	check_int(http_name_find("HOST", 4), HTTP_HOST);
	check_int(http_name_find("x-ReQuest-ID", 12), HTTP_X_REQUEST_ID);
	check_int(http_name_find("hos", 3), HTTP_OTHER_NAME);
	check_int(http_name_find("hosts", 5), HTTP_OTHER_NAME);
	/* @ and ` differ from each other by the bit of case only. */
	check(!http_text_is("@", 1, "`"));
	for (unsigned i = 1; i < HTTP_NAME_COUNT; i++) {
		const char *s = http_name_text((enum http_name)i);

		check_int(http_name_find(s, strlen(s)), i);
	}
	check_str(http_method_text(HTTP_PATCH), "PATCH");
	check_str(http_method_text(HTTP_OTHER_METHOD), "?");
}

int main(void)
{
	RUN(test_bad_requests);
	RUN(test_nul);
	RUN(test_good_requests);
	RUN(test_request_parts);
	RUN(test_targets);
	RUN(test_persistence);
	RUN(test_limits);
	RUN(test_bad_responses);
	RUN(test_framing);
	RUN(test_chunked);
	RUN(test_bad_chunks);
	RUN(test_chunk_data_before_error);
	RUN(test_chunk_limits);
	RUN(test_chunk_head);
	RUN(test_names);
	return check_done();
}
