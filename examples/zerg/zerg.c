/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page about the machine that wrote it: an HTTP server that says when the
 * request arrived, when this program began to run, and who it was. It says
 * only what it has measured: the gateway tells when the request arrived
 * (X-Request-Start) and whose instance this is (X-Mayfly-Instance); all else
 * is this machine's clock. PORT in the environment overrides 8080.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "page.h"

#define CAME                                                           \
	"ago your request arrived. Since then a virtual machine came " \
	"to life, as a copy of one that had booted before, and its "   \
	"program wrote this page."
#define BOOTED                                                        \
	"ago your request arrived. Since then a virtual machine was " \
	"made, it booted, and ran the program that wrote this page."

#define ID_MAX	 63
#define HEAD_MAX 16384

/* Moments, microseconds since 1970. */
static uint64_t began_us; /* this copy of the program began to run */
static unsigned served; /* requests, by this copy */

struct request {
	char line[64]; /* how it begins */
	uint64_t arrived_us; /* at the gateway; 0: nobody said */
	uint64_t accepted_us;
	uint64_t read_us;
	char instance[ID_MAX + 1]; /* empty: nobody said */
};

static void on_term(int sig)
{
	(void)sig;
	_exit(0);
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* What is above goes into a snapshot, what is below happens in each copy of
 * it. Where there are no snapshots nothing happens. */
static void mark(void)
{
	int fd = open("/proc/mayfly/snapshot", O_WRONLY);

	if (fd < 0)
		return;
	if (write(fd, "ready", 5) < 0)
		perror("zerg: /proc/mayfly/snapshot");
	close(fd);
}

/* What "wanted", "copy" and "none" begin with; 0: this is no machine of
 * Mayfly's. */
static char snapshot_word(void)
{
	char word = 0;
	int fd = open("/proc/mayfly/snapshot", O_RDONLY);

	if (fd < 0)
		return 0;
	if (read(fd, &word, 1) < 0)
		perror("zerg: /proc/mayfly/snapshot");
	close(fd);
	return word;
}

/* ---- the request --------------------------------------------------------- */

/* The value of a header, or NULL; ends at the line's end. */
static const char *header(const char *head, const char *name)
{
	size_t len = strlen(name);

	while ((head = strstr(head, "\r\n"))) {
		head += 2;
		if (strncasecmp(head, name, len) == 0 && head[len] == ':')
			return head + len + 1 + strspn(head + len + 1, " \t");
	}
	return NULL;
}

static void understand(struct request *r, const char *head)
{
	const char *start = header(head, "x-request-start");
	const char *id = header(head, "x-mayfly-instance");
	size_t len = id ? strspn(id, "0123456789abcdefghijklmnopqrstuvwxyz-") :
			  0;

	memcpy(r->line, head, strnlen(head, sizeof(r->line) - 1));
	if (start && strncmp(start, "t=", 2) == 0)
		r->arrived_us = strtoull(start + 2, NULL, 10);
	if (len && len <= ID_MAX)
		memcpy(r->instance, id, len);
}

/* False: no head of a request came. */
static bool receive(int fd, struct request *r)
{
	static char head[HEAD_MAX];
	size_t len = 0;

	while (len < sizeof(head) - 1) {
		ssize_t n = read(fd, head + len, sizeof(head) - 1 - len);

		if (n <= 0)
			return false;
		len += (size_t)n;
		head[len] = '\0';
		if (strstr(head, "\r\n\r\n")) {
			r->read_us = now_us();
			understand(r, head);
			return true;
		}
	}
	return false;
}

/* ---- the page ------------------------------------------------------------ */

static const char *span(char ret[32], uint64_t us)
{
	if (us < 1000)
		snprintf(ret, 32, "%llu µs", (unsigned long long)us);
	else if (us < 1000000)
		snprintf(ret, 32, "%.2f ms", (double)us / 1e3);
	else if (us < 120000000)
		snprintf(ret, 32, "%.2f s", (double)us / 1e6);
	else
		snprintf(ret, 32, "%llu min",
			 (unsigned long long)us / 60000000);
	return ret;
}

struct rows {
	char text[2048];
	size_t len;
	uint64_t zero_us; /* from which the others count */
};

static void row(struct rows *rows, uint64_t at_us, const char *what)
{
	bool before = at_us < rows->zero_us;
	uint64_t us = before ? rows->zero_us - at_us : at_us - rows->zero_us;
	char text[32];

	rows->len += (size_t)snprintf(rows->text + rows->len,
				      sizeof(rows->text) - rows->len,
				      "<tr><td>%s%s<td>%s\n",
				      before ? "−" : "+", span(text, us), what);
}

static void put_rows(struct rows *rows, const struct request *r,
		     uint64_t written_us)
{
	static const char began[] = "this program began to run in this machine";
	bool fresh = began_us > rows->zero_us;

	if (!fresh)
		row(rows, began_us, began);
	if (r->arrived_us)
		row(rows, r->arrived_us, "your request arrived at the gateway");
	else
		row(rows, r->accepted_us, "your connection was accepted");
	if (fresh)
		row(rows, began_us, began);
	row(rows, r->read_us, "it had read your request");
	row(rows, written_us, "it wrote this page");
}

static const char *sentence(const struct request *r)
{
	if (!snapshot_word())
		return "ago this was asked for. A process of the host "
		       "answers: this is no machine of Mayfly's.";
	if (r->arrived_us && began_us > r->arrived_us)
		return snapshot_word() == 'c' ? CAME : BOOTED;
	if (r->arrived_us)
		return "ago your request arrived. A virtual machine was "
		       "waiting for it, with the program that wrote this "
		       "page.";
	return "ago your connection was accepted, by a program in a virtual "
	       "machine of its own.";
}

static const char *how(char ret[160])
{
	if (served == 1)
		snprintf(ret, 160,
			 "It is %s, and this is the first request that it has "
			 "ever seen.",
			 snapshot_word() == 'c' ? "a copy of a snapshot" :
						  "freshly started");
	else
		snprintf(ret, 160, "It has answered %u requests by now.",
			 served);
	return ret;
}

static const char *last_words(const struct request *r)
{
	if (r->arrived_us && served == 1)
		return "While you read this, the machine is gone, with all "
		       "that was in it. Reload, and another one will answer.";
	return "Everything here was measured by the clock of this machine.";
}

static size_t put_page(char *body, size_t size, const struct request *r)
{
	struct rows rows = { .zero_us = r->arrived_us ? r->arrived_us :
							r->accepted_us };
	uint64_t written_us = now_us();
	char age[32], about[160];
	struct utsname host;
	int len;

	put_rows(&rows, r, written_us);
	uname(&host);
	len = snprintf(
		body, size, PAGE,
		span(age,
		     written_us > rows.zero_us ? written_us - rows.zero_us : 0),
		sentence(r), r->instance[0] ? r->instance : host.nodename,
		rows.text, how(about), last_words(r));
	return (size_t)len < size ? (size_t)len : size - 1;
}

/* ---- the answer ---------------------------------------------------------- */

static void send_all(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		p += n;
		len -= (size_t)n;
	}
}

static void answer(int fd, const struct request *r)
{
	static char out[HEAD_MAX], body[HEAD_MAX];
	bool head_only = strncmp(r->line, "HEAD ", 5) == 0;
	const char *path = strchr(r->line, ' ');
	const char *status = "200 OK", *type = "text/html; charset=utf-8";
	size_t len;
	int head;

	if (!head_only && strncmp(r->line, "GET ", 4) != 0) {
		status = "405 Method Not Allowed";
		type = "text/plain";
		len = (size_t)snprintf(body, sizeof(body), "Only GET\n");
	} else if (strcspn(path + 1, " ?") != 1) {
		status = "404 Not Found";
		type = "text/plain";
		len = (size_t)snprintf(body, sizeof(body), "There is only /\n");
	} else {
		len = put_page(body, sizeof(body), r);
	}
	head = snprintf(out, sizeof(out),
			"HTTP/1.1 %s\r\nContent-Type: %s\r\n"
			"Content-Length: %zu\r\nCache-Control: no-store\r\n"
			"Connection: close\r\n%s\r\n",
			status, type, len,
			status[0] == '4' && status[2] == '5' ?
				"Allow: GET, HEAD\r\n" :
				"");
	send_all(fd, out, (size_t)head);
	if (!head_only)
		send_all(fd, body, len);
}

/* A client that waits for the end of what it sent must not be reset. */
static void finish(int fd)
{
	char rest[4096];

	shutdown(fd, SHUT_WR);
	while (read(fd, rest, sizeof(rest)) > 0)
		;
	close(fd);
}

int main(void)
{
	const char *port = getenv("PORT");
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port =
			htons(port ? (uint16_t)strtoul(port, NULL, 10) : 8080),
	};
	int one = 1;
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	signal(SIGTERM, on_term);
	signal(SIGINT, on_term);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(listener, 128) < 0) {
		perror("zerg: cannot listen");
		return 1;
	}
	mark();
	began_us = now_us();
	for (;;) {
		struct request r = { 0 };
		struct timeval patience = { .tv_sec = 2 };
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			   sizeof(patience));
		r.accepted_us = now_us();
		if (receive(fd, &r)) {
			served++;
			answer(fd, &r);
		}
		finish(fd);
	}
}
