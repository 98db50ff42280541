/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of HTTP for one request a connection. What the daemon answers is
 * read as strictly as what anybody else would: it may be another machine's.
 */
#include "cli/talk.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/talk_address.h"
#include "host/cleanup.h"
#include "http/chunked.h"

#define BUF_SIZE     65536u
#define ANSWER_MAX   (256u << 20) /* bytes that are collected */
#define WAIT_S	     60 /* for something to come */
#define LINE_MAX_LEN (1u << 20)

struct reading {
	const struct talk *t;
	struct talk_answer *answer;
	struct err *e;
	int fd;
	struct http_head head;
	size_t len; /* bytes in buf */
	char buf[BUF_SIZE];
};

/* ---- the request ---- */

static int send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* sendfile cannot be told that a closed connection is only an error. */
static int send_file_quietly(int fd, int from, size_t len)
{
	off_t off = 0;

	while ((size_t)off < len) {
		ssize_t n = sendfile(fd, from, &off, len - (size_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
	}
	return 0;
}

static int send_file(int fd, int from, size_t len)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction before;
	int r;

	sigaction(SIGPIPE, &ignore, &before);
	r = send_file_quietly(fd, from, len);
	sigaction(SIGPIPE, &before, NULL);
	return r;
}

static char *make_head(const struct talk *t)
{
	const char *token = getenv("MAYFLY_TOKEN");
	bool body = t->body || t->body_fd >= 0 || strcmp(t->method, "GET") != 0;
	char length[48] = "", *head;
	int n;

	if (body)
		snprintf(length, sizeof(length), "Content-Length: %zu\r\n",
			 t->body_len);
	n = asprintf(&head,
		     "%s %s HTTP/1.1\r\nHost: localhost\r\n"
		     "User-Agent: mayfly/" MF_VERSION
		     "\r\nConnection: close\r\n%s%s%s%s%s%s%s%s\r\n",
		     t->method, t->path,
		     token && *token ? "Authorization: Bearer " : "",
		     token && *token ? token : "",
		     token && *token ? "\r\n" : "",
		     t->type ? "Content-Type: " : "", t->type ? t->type : "",
		     t->type ? "\r\n" : "", length,
		     t->headers ? t->headers : "");
	return n < 0 ? NULL : head;
}

/* An answer may come before all is sent: it says why. */
static int send_request(int fd, const struct talk *t, struct err *e)
{
	AUTO_FREE char *head = make_head(t);
	int r;

	if (!head)
		return err_set(e, ENOMEM, "out of memory");
	r = send_all(fd, head, strlen(head));
	if (r == 0 && t->body)
		r = send_all(fd, t->body, t->body_len);
	else if (r == 0 && t->body_fd >= 0)
		r = send_file(fd, t->body_fd, t->body_len);
	if (r == 0 || r == -EPIPE || r == -ECONNRESET)
		return 0;
	return err_sys(e, -r, "cannot send to mayflyd");
}

/* ---- the answer ---- */

static int receive(struct reading *r)
{
	ssize_t n;

	do
		n = read(r->fd, r->buf + r->len, sizeof(r->buf) - r->len);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return err_set(r->e, ETIMEDOUT,
			       "mayflyd does not answer; see its messages");
	if (n < 0)
		return err_sys(r->e, errno, "mayflyd ended the connection");
	r->len += (size_t)n;
	return n > 0;
}

static int cut(const struct reading *r)
{
	return err_set(r->e, EIO,
		       "mayflyd ended the connection before its answer was "
		       "complete");
}

static int read_head(struct reading *r)
{
	static const struct http_limits limits = { .head_bytes = 65536,
						   .line_bytes = 8192,
						   .fields = 100 };
	int err;

	http_response_init(&r->head, &limits);
	for (;;) {
		err = receive(r);
		if (err <= 0)
			return err < 0 ? err : cut(r);
		switch (http_head_parse(&r->head, r->buf, r->len)) {
		case HTTP_MORE:
			continue;
		case HTTP_BAD:
			return err_set(r->e, EPROTO,
				       "what answers is no mayflyd: %s",
				       r->head.why);
		case HTTP_DONE:
			break;
		}
		if (r->head.status >= 200)
			return 0;
		r->len -= r->head.len;
		memmove(r->buf, r->buf + r->head.len, r->len);
		http_response_init(&r->head, &limits);
	}
}

static int collect(struct reading *r, const char *data, size_t len)
{
	struct talk_answer *a = r->answer;
	char *more;

	if (len > ANSWER_MAX - a->len)
		return err_set(r->e, E2BIG, "the answer is too large");
	more = realloc(a->text, a->len + len + 1);
	if (!more)
		return err_set(r->e, ENOMEM, "out of memory");
	memcpy(more + a->len, data, len);
	a->text = more;
	a->len += len;
	a->text[a->len] = '\0';
	return 0;
}

static bool is_wanted(const struct reading *r)
{
	return r->t->any_status || r->head.status < 300;
}

static int give(struct reading *r, const char *data, size_t len)
{
	if (len == 0)
		return 0;
	if (r->t->data && is_wanted(r))
		return r->t->data(r->t->arg, data, len);
	return collect(r, data, len);
}

/* More of the body: > 0 goes on, 0 was the end. */
static int refill(struct reading *r)
{
	r->len = 0;
	return receive(r);
}

static int read_chunks(struct reading *r)
{
	struct http_chunked c;
	size_t data;
	ssize_t taken;
	int err;

	http_chunked_init(&c);
	for (;;) {
		taken = http_chunked_decode(&c, r->buf, r->len, &data);
		err = give(r, r->buf, data);
		if (err < 0)
			return err;
		if (taken < 0)
			return err_set(r->e, EPROTO,
				       "what answers is no mayflyd: %s", c.why);
		if (http_chunked_done(&c))
			return 0;
		err = refill(r);
		if (err <= 0)
			return err < 0 ? err : cut(r);
	}
}

static int read_length(struct reading *r, uint64_t left, bool to_the_end)
{
	int err;

	for (;;) {
		size_t n = !to_the_end && left < r->len ? (size_t)left : r->len;

		err = give(r, r->buf, n);
		left -= to_the_end ? 0 : n;
		if (err < 0 || (!to_the_end && left == 0))
			return err;
		err = refill(r);
		if (err < 0)
			return err;
		if (err == 0)
			return to_the_end ? 0 : cut(r);
	}
}

static enum http_method method_of(const struct talk *t)
{
	return strcmp(t->method, "HEAD") == 0 ? HTTP_HEAD : HTTP_GET;
}

static int read_body(struct reading *r)
{
	enum http_framing framing = http_framing(&r->head, method_of(r->t));

	r->answer->status = r->head.status;
	if (r->t->head && is_wanted(r))
		r->t->head(r->t->arg, &r->head, r->buf);
	r->len -= r->head.len;
	memmove(r->buf, r->buf + r->head.len, r->len);
	switch (framing) {
	case HTTP_NO_BODY:
		return 0;
	case HTTP_BY_LENGTH:
		return read_length(r, r->head.length, false);
	case HTTP_BY_CHUNKS:
		return read_chunks(r);
	case HTTP_BY_CLOSE:
	case HTTP_TUNNEL:
		break;
	}
	return read_length(r, 0, true);
}

/* The sentence of a problem, or what else there is. */
static int refused(const struct talk_answer *a, struct err *e)
{
	json_t *o = a->text ? json_loadb(a->text, a->len, 0, NULL) : NULL;
	const char *detail = json_string_value(json_object_get(o, "detail"));

	if (detail)
		err_set(e, EREMOTEIO, "%s", detail);
	else
		err_set(e, EREMOTEIO, "mayflyd answered with status %d",
			a->status);
	json_decref(o);
	return -EREMOTEIO;
}

int talk(const struct talk *t, struct talk_answer *ret, struct err *e)
{
	const struct timeval wait = { .tv_sec = WAIT_S };
	AUTO_FREE struct reading *r = calloc(1, sizeof(*r));
	AUTO_CLOSE int fd = talk_connect(e);
	int err;

	*ret = (struct talk_answer){ 0 };
	if (fd < 0)
		return fd;
	if (!r)
		return err_set(e, ENOMEM, "out of memory");
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (!t->patient)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	r->t = t;
	r->answer = ret;
	r->e = e;
	r->fd = fd;
	err = send_request(fd, t, e);
	if (err == 0)
		err = read_head(r);
	if (err == 0)
		err = read_body(r);
	if (err == 0 && !is_wanted(r))
		err = refused(ret, e);
	return err;
}

void talk_answer_fini(struct talk_answer *a)
{
	free(take_ptr(a->text));
}

int talk_json(const char *method, const char *path, json_t *body, json_t **ret,
	      struct err *e)
{
	AUTO_FREE char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct talk t = { .method = method,
			  .path = path,
			  .body = text,
			  .body_len = text ? strlen(text) : 0,
			  .type = text ? "application/json" : NULL,
			  .body_fd = -1 };
	struct talk_answer a;
	json_t *o = NULL;
	int r;

	if (body && !text)
		return err_set(e, ENOMEM, "out of memory");
	json_decref(body);
	r = talk(&t, &a, e);
	if (r == 0 && a.len) {
		o = json_loadb(a.text, a.len, 0, NULL);
		if (!o)
			r = err_set(e, EPROTO,
				    "what answers is no mayflyd: no JSON");
	}
	talk_answer_fini(&a);
	if (ret && r == 0)
		*ret = o;
	else
		json_decref(o);
	return r;
}

/* ---- lines ---- */

static int complete_line(struct talk_lines *l)
{
	int r;

	l->text[l->len] = '\0';
	r = l->len ? l->line(l->arg, l->text) : 0;
	l->len = 0;
	return r;
}

int talk_lines_add(struct talk_lines *l, const char *data, size_t len)
{
	int r = 0;

	while (r == 0 && len > 0) {
		const char *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) : len;
		char *more;

		if (n > LINE_MAX_LEN - l->len)
			return -E2BIG;
		more = realloc(l->text, l->len + n + 1);
		if (!more)
			return -ENOMEM;
		l->text = more;
		memcpy(l->text + l->len, data, n);
		l->len += n;
		if (end)
			r = complete_line(l);
		n += end != NULL;
		data += n;
		len -= n;
	}
	return r;
}

void talk_lines_fini(struct talk_lines *l)
{
	free(take_ptr(l->text));
}

char *talk_encode(const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	char *ret = malloc(3 * strlen(text) + 1), *out = ret;

	if (!ret)
		return NULL;
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (isalnum(c) || strchr("-_.~", c)) {
			*out++ = (char)c;
			continue;
		}
		*out++ = '%';
		*out++ = hex[c >> 4];
		*out++ = hex[c & 15];
	}
	*out = '\0';
	return ret;
}
