/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function for the tests of the gateway: a small HTTP/1.1 server, a thread
 * for each connection, whose paths behave and misbehave in different ways.
 * It speaks no better HTTP than it must to the gateway, which is strict.
 */
#include <ctype.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_MAX 32768
#define OK	 "HTTP/1.1 200 OK\r\n"
#define CHUNKED	 OK "Transfer-Encoding: chunked\r\n\r\n"

struct conn {
	int fd;
	size_t len, head_len; /* bytes there, of them the head */
	char buf[HEAD_MAX + 1];
};

static void put(const struct conn *c, const char *s, size_t len)
{
	ssize_t n;

	while (len && (n = send(c->fd, s, len, MSG_NOSIGNAL)) > 0) {
		s += n;
		len -= (size_t)n;
	}
}

static void say(const struct conn *c, const char *s)
{
	put(c, s, strlen(s));
}

static void chunk(const struct conn *c, const char *s, size_t len)
{
	char head[32];

	snprintf(head, sizeof(head), "%zx\r\n", len);
	say(c, head);
	put(c, s, len);
	say(c, "\r\n");
}

static int read_head(struct conn *c)
{
	char *end;
	ssize_t n;

	for (;;) {
		c->buf[c->len] = 0;
		end = strstr(c->buf, "\r\n\r\n");
		if (end) {
			c->head_len = (size_t)(end - c->buf) + 4;
			return 1;
		}
		n = recv(c->fd, c->buf + c->len, HEAD_MAX - c->len, 0);
		if (n <= 0)
			return 0;
		c->len += (size_t)n;
	}
}

/* Of the field, or ""; up to the end of its line. */
static const char *field(const struct conn *c, const char *name)
{
	const char *p = c->buf;
	size_t n = strlen(name);

	while ((p = strstr(p, "\r\n")) && p[2] != '\r') {
		p += 2;
		if (strncasecmp(p, name, n) == 0 && p[n] == ':')
			return p + n + 2;
	}
	return "";
}

/* ---- bodies -------------------------------------------------------------- */

/* One byte behind the head; -1: the end. */
static int next_byte(struct conn *c)
{
	ssize_t n;

	if (c->len == c->head_len) {
		n = recv(c->fd, c->buf + c->head_len, HEAD_MAX - c->head_len,
			 0);
		if (n <= 0)
			return -1;
		c->len += (size_t)n;
	}
	n = (unsigned char)c->buf[c->head_len];
	memmove(c->buf + c->head_len, c->buf + c->head_len + 1,
		--c->len - c->head_len);
	return (int)n;
}

/* Up to `max` bytes at once. */
static size_t take(struct conn *c, char *to, size_t max)
{
	size_t n = c->len - c->head_len;
	ssize_t r;

	if (n == 0) {
		r = recv(c->fd, to, max, 0);
		return r > 0 ? (size_t)r : 0;
	}
	if (n > max)
		n = max;
	memcpy(to, c->buf + c->head_len, n);
	c->len -= n;
	memmove(c->buf + c->head_len, c->buf + c->head_len + n,
		c->len - c->head_len);
	return n;
}

static size_t chunk_size(struct conn *c)
{
	size_t size = 0;
	int b;

	while ((b = next_byte(c)) >= 0 && b != '\n')
		if (isxdigit(b))
			size = size * 16 +
			       (size_t)(b <= '9' ? b - '0' : (b | 32) - 87);
	return size;
}

static void pass(struct conn *c, size_t left, int back, size_t *total)
{
	char data[16384];
	size_t n;

	while (left &&
	       (n = take(c, data, left < sizeof(data) ? left : sizeof(data)))) {
		if (back)
			chunk(c, data, n);
		*total += n;
		left -= n;
	}
}

/* Reads the body, and sends it back as it comes if `back`. */
static size_t read_body(struct conn *c, int back)
{
	size_t n, total = 0;

	if (strncmp(field(c, "Transfer-Encoding"), "chunked", 7) != 0) {
		pass(c, strtoull(field(c, "Content-Length"), NULL, 10), back,
		     &total);
		return total;
	}
	while ((n = chunk_size(c))) {
		pass(c, n, back, &total);
		next_byte(c);
		next_byte(c);
	}
	next_byte(c);
	next_byte(c);
	return total;
}

/* ---- WebSocket ----------------------------------------------------------- */

static uint32_t rol(uint32_t x, int n)
{
	return x << n | x >> (32 - n);
}

/* SHA-1 of at most 119 bytes. */
static void sha1(const char *s, uint8_t out[20])
{
	uint32_t h[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
			  0xc3d2e1f0 };
	size_t len = strlen(s), blocks = (len + 8) / 64 + 1;
	uint8_t m[128] = { 0 };

	memcpy(m, s, len);
	m[len] = 0x80;
	for (int i = 0; i < 4; i++)
		m[blocks * 64 - 1 - i] = (uint8_t)(len * 8 >> 8 * i);
	for (size_t b = 0; b < blocks; b++) {
		uint32_t w[80], v[5];

		for (int i = 0; i < 16; i++)
			w[i] = (uint32_t)m[b * 64 + i * 4] << 24 |
			       m[b * 64 + i * 4 + 1] << 16 |
			       m[b * 64 + i * 4 + 2] << 8 |
			       m[b * 64 + i * 4 + 3];
		for (int i = 16; i < 80; i++)
			w[i] = rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16],
				   1);
		memcpy(v, h, sizeof(v));
		for (int i = 0; i < 80; i++) {
			uint32_t f = i < 20 ? (v[1] & v[2]) | (~v[1] & v[3]) :
				     i < 40 || i >= 60 ?
					      v[1] ^ v[2] ^ v[3] :
					      (v[1] & v[2]) | (v[1] & v[3]) |
						      (v[2] & v[3]);
			uint32_t k = i < 20 ? 0x5a827999 :
				     i < 40 ? 0x6ed9eba1 :
				     i < 60 ? 0x8f1bbcdc :
					      0xca62c1d6;
			uint32_t t = rol(v[0], 5) + f + v[4] + k + w[i];

			v[4] = v[3];
			v[3] = v[2];
			v[2] = rol(v[1], 30);
			v[1] = v[0];
			v[0] = t;
		}
		for (int i = 0; i < 5; i++)
			h[i] += v[i];
	}
	for (int i = 0; i < 20; i++)
		out[i] = (uint8_t)(h[i / 4] >> (24 - i % 4 * 8));
}

static void base64(const uint8_t in[20], char out[29])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t m[21] = { 0 };

	memcpy(m, in, 20);
	for (int i = 0; i < 7; i++) {
		uint32_t v = (uint32_t)m[i * 3] << 16 | m[i * 3 + 1] << 8 |
			     m[i * 3 + 2];

		for (int k = 0; k < 4; k++)
			out[i * 4 + k] = digits[v >> (18 - 6 * k) & 63];
	}
	out[27] = '=';
	out[28] = 0;
}

/* Sends each frame back, unmasked, until one that closes. */
static void serve_frames(struct conn *c)
{
	uint8_t head[14], mask[4];
	char data[65536];
	int b, op;
	size_t n;

	while ((op = next_byte(c)) >= 0 && (b = next_byte(c)) >= 0) {
		n = (size_t)b & 127;
		if (n == 126) {
			n = (size_t)next_byte(c) << 8;
			n |= (size_t)next_byte(c);
		}
		for (int i = 0; i < 4; i++)
			mask[i] = (uint8_t)next_byte(c);
		if (n > 65535)
			return;
		for (size_t i = 0; i < n; i++)
			data[i] = (char)(next_byte(c) ^ mask[i % 4]);
		head[0] = (uint8_t)op;
		head[1] = n < 126 ? (uint8_t)n : 126;
		head[2] = (uint8_t)(n >> 8);
		head[3] = (uint8_t)n;
		put(c, (char *)head, n < 126 ? 2 : 4);
		put(c, data, n);
		if ((op & 15) == 8)
			return;
	}
}

static void serve_websocket(struct conn *c)
{
	char key[120], accept[29], answer[300];
	uint8_t hash[20];

	snprintf(key, sizeof(key), "%.24s%s", field(c, "Sec-WebSocket-Key"),
		 "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
	sha1(key, hash);
	base64(hash, accept);
	snprintf(answer, sizeof(answer),
		 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		 "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		 accept);
	say(c, answer);
	serve_frames(c);
}

/* ---- paths --------------------------------------------------------------- */

static void answer_text(struct conn *c, const char *text, size_t len)
{
	char head[100];

	snprintf(head, sizeof(head),
		 OK "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n",
		 len);
	say(c, head);
	put(c, text, len);
}

/* An event, and one more for each request for /next. */
static sem_t next;

static void serve_events(struct conn *c)
{
	char text[40];

	say(c, OK "Content-Type: text/event-stream\r\n\r\n");
	for (int i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "data: %d\n\n", i);
		say(c, text);
		sem_wait(&next);
	}
}

static void serve_big(struct conn *c, size_t left)
{
	static char data[65536];
	char head[100];
	size_t n;

	memset(data, 'b', sizeof(data));
	snprintf(head, sizeof(head), OK "Content-Length: %zu\r\n\r\n", left);
	say(c, head);
	for (; left; left -= n) {
		n = left < sizeof(data) ? left : sizeof(data);
		put(c, data, n);
	}
}

static int is(const struct conn *c, const char *path)
{
	const char *p = strchr(c->buf, ' ');
	size_t n = strlen(path);

	return p && strncmp(p + 1, path, n) == 0 &&
	       (p[1 + n] == ' ' || p[1 + n] == '?');
}

/* Those after which the connection is over; 0: none of them. */
static int misbehave(struct conn *c)
{
	if (is(c, "/die")) {
		say(c, OK "Content-Length: 1000\r\n\r\nhalf of it");
		usleep(50000);
		abort();
	} else if (is(c, "/exit")) {
		_exit(3);
	} else if (is(c, "/hang-up")) {
		return 1;
	} else if (is(c, "/short")) {
		say(c, OK "Content-Length: 1000\r\n\r\nhalf of it");
	} else if (is(c, "/garbage")) {
		say(c, "What do you mean?\r\n\r\n");
	} else if (is(c, "/two")) {
		say(c, OK "Content-Length: 3\r\n\r\none" OK
			  "Content-Length: 3\r\n\r\ntwo");
		usleep(100000);
	} else if (is(c, "/silent")) {
		sleep(30);
	} else if (is(c, "/both")) {
		say(c, OK "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"
			  "\r\n3\r\none\r\n0\r\n\r\n");
	} else if (is(c, "/events")) {
		serve_events(c);
	} else if (is(c, "/ws")) {
		serve_websocket(c);
	} else {
		return 0;
	}
	return 1;
}

static int serve(struct conn *c)
{
	char text[40];
	size_t n;

	if (misbehave(c))
		return 0;
	if (is(c, "/next"))
		sem_post(&next);
	if (is(c, "/echo")) {
		say(c, CHUNKED);
		read_body(c, 1);
		say(c, "0\r\n\r\n");
	} else if (is(c, "/count")) {
		n = read_body(c, 0);
		snprintf(text, sizeof(text), "%zu\n", n);
		answer_text(c, text, strlen(text));
	} else if (is(c, "/big")) {
		serve_big(c, strtoull(strchr(c->buf, '?') + 1, NULL, 10));
	} else if (strncmp(c->buf, "HEAD ", 5) == 0) {
		say(c, OK "Content-Length: 12345\r\n\r\n");
	} else {
		n = c->head_len;
		snprintf(text, sizeof(text), "%zu",
			 strtoul(field(c, "Content-Length"), NULL, 10));
		answer_text(c, c->buf, n);
		read_body(c, 0);
	}
	return strncasecmp(field(c, "Connection"), "close", 5) != 0;
}

static void *serve_connection(void *arg)
{
	struct conn *c = arg;

	while (read_head(c) && serve(c)) {
		c->len -= c->head_len;
		memmove(c->buf, c->buf + c->head_len, c->len);
	}
	close(c->fd);
	free(c);
	return NULL;
}

int main(void)
{
	const char *port = getenv("PORT");
	struct sockaddr_in a = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	pthread_t thread;
	struct conn *c;

	signal(SIGPIPE, SIG_IGN);
	sem_init(&next, 0, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	a.sin_port = htons((uint16_t)strtoul(port ? port : "8080", NULL, 10));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(fd, 64) < 0)
		return 1;
	for (;;) {
		c = calloc(1, sizeof(*c));
		c->fd = accept(fd, NULL, NULL);
		if (c->fd < 0 ||
		    pthread_create(&thread, NULL, serve_connection, c) != 0)
			return 1;
		pthread_detach(thread);
	}
}
