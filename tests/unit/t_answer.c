/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test: sources bench/answer.c
 *
 * bench/answer.c: answers of every kind, byte by byte, and broken ones.
 */
#include "bench/answer.h"

#include "tests/unit/check.h"

#define HEAD "HTTP/1.1 200 OK\r\nServer: x\r\n"

static struct answer a;

/* Feeds the answer one byte after the other; the last verdict. */
static enum verdict feed(const char *text, bool closed)
{
	enum verdict verdict = ANSWER_MORE;

	memset(&a, 0, sizeof(a));
	while (*text && verdict == ANSWER_MORE) {
		a.raw[a.raw_len++] = *text++;
		verdict = answer_read(&a);
	}
	if (verdict != ANSWER_MORE || !closed)
		return verdict;
	a.closed = true;
	return answer_read(&a);
}

static void check_body(const char *want)
{
	check_int(a.status, 200);
	check_int(a.body_len, strlen(want));
	check_mem(a.body, want, a.body_len);
}

static void test_length(void)
{
	check_int(feed(HEAD "content-LENGTH:  5\r\n\r\nHello", false),
		  ANSWER_COMPLETE);
	check_body("Hello");
	check_int(feed(HEAD "Content-Length: 6\r\n\r\nHello", false),
		  ANSWER_MORE);
	check_body("Hello");
	check_int(feed(HEAD "Content-Length: 0\r\n\r\n", false),
		  ANSWER_COMPLETE);
	check_body("");
}

/* What comes behind the length is not of this body. */
static void test_more_than_length(void)
{
	const char text[] = HEAD "Content-Length: 5\r\n\r\nHello, World";

	memset(&a, 0, sizeof(a));
	a.raw_len = strlen(text);
	memcpy(a.raw, text, a.raw_len);
	check_int(answer_read(&a), ANSWER_COMPLETE);
	check_body("Hello");
}

static void test_chunks(void)
{
	check_int(feed(HEAD "Transfer-Encoding: chunked\r\n\r\n"
			    "6\r\nHello \r\n"
			    "00A;name=value\r\nWorld, all\r\n0\r\n\r\n",
		       false),
		  ANSWER_COMPLETE);
	check_body("Hello World, all");
	check_int(feed(HEAD "Transfer-Encoding: chunked\r\n\r\n6\r\nHel",
		       false),
		  ANSWER_MORE);
	check_body("Hel");
}

/* The length of a chunk is no byte of the body. */
static void test_no_body_yet(void)
{
	check_int(feed(HEAD "Transfer-Encoding: chunked\r\n\r\n6\r\n", false),
		  ANSWER_MORE);
	check_body("");
	check_int(feed(HEAD "Content-Length: 6\r\n\r\n", false), ANSWER_MORE);
	check_body("");
}

static void test_closed(void)
{
	check_int(feed("HTTP/1.0 200 OK\r\n\r\nHello", false), ANSWER_MORE);
	check_body("Hello");
	check_int(feed("HTTP/1.0 200 OK\r\n\r\nHello", true), ANSWER_COMPLETE);
	check_body("Hello");
	check_int(feed(HEAD "Content-Length: 6\r\n\r\nHello", true),
		  ANSWER_MORE);
}

static void test_status(void)
{
	check_int(feed("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
		       false),
		  ANSWER_COMPLETE);
	check_int(a.status, 404);
}

/* A name is a whole one, and stands in the head. */
static void test_names(void)
{
	check_int(feed(HEAD "X-Content-Length: 3\r\nContent-Lengths: 3\r\n"
			    "\r\nContent-Length: 2\r\n",
		       true),
		  ANSWER_COMPLETE);
	check_body("Content-Length: 2\r\n");
}

static void test_broken(void)
{
	check_int(feed("SSH-2.0-x\r\n\r\n", false), ANSWER_BROKEN);
	check_int(feed("HTTP/1.\r\n\r\n", false), ANSWER_BROKEN);
	check_int(feed(HEAD "Content-Length: many\r\n\r\n", false),
		  ANSWER_BROKEN);
	check_int(feed(HEAD "Transfer-Encoding: chunked\r\n\r\nx\r\n", false),
		  ANSWER_BROKEN);
	check_int(feed(HEAD "Transfer-Encoding: chunked\r\n\r\n-1\r\n", false),
		  ANSWER_BROKEN);
	check_int(feed(HEAD "Transfer-Encoding: chunked\r\n\r\n"
			    "ffffffffffffffffff\r\n",
		       false),
		  ANSWER_BROKEN);
}

int main(void)
{
	RUN(test_length);
	RUN(test_more_than_length);
	RUN(test_chunks);
	RUN(test_no_body_yet);
	RUN(test_closed);
	RUN(test_status);
	RUN(test_names);
	RUN(test_broken);
	return check_done();
}
