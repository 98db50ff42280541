/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection of a client: reads a request, lets its route answer, sends
 * what was queued, and takes the next. A request is handled alone; what is
 * sent ahead of its turn waits in the socket. While a reply is made, a
 * client that closes its side takes the request back.
 *
 * A connection goes only in the callbacks of its own watch, timer and task.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/api/private.h"
#include "daemon/registry/tokens.h"
#include "host/cleanup.h"

#define SECOND_NS      1000000000ull
#define IDLE_NS	       (60 * SECOND_NS) /* between requests */
#define HEAD_NS	       (10 * SECOND_NS) /* for a whole head */
#define BODY_NS	       (30 * SECOND_NS) /* between pieces of a body */
#define SEND_NS	       (30 * SECOND_NS) /* a reader that does not read */
#define LINGER_NS      (2 * SECOND_NS)
#define LINGER_BYTES   (4u << 20)
#define PIECES_AT_ONCE 16 /* reads of one turn */

enum state {
	HEAD, /* reads one */
	BODY, /* reads one */
	REPLY, /* the route replies, or it is sent */
	LINGER, /* all is sent; what still comes is dropped */
};

struct piece {
	struct list node;
	size_t len, off;
	char *data;
};

struct api_conn {
	struct list node; /* in api->conns */
	struct api *api;
	int fd;
	struct loop_watch watch;
	struct loop_timer timer;
	struct loop_task flush;
	struct api_who peer, who; /* of the socket; of the request */
	const char *refusal; /* why the peer may do nothing, or NULL */
	enum state state;
	char *in; /* API_IN_MAX */
	size_t in_len;
	struct http_head head;
	enum http_framing framing;
	struct http_chunked chunked;
	uint64_t left; /* of a body by length */
	char *body; /* of API_JSON */
	size_t body_len;
	struct list out;
	size_t out_bytes;
	bool broken; /* no memory for the reply */
	bool replied, finished, persists, was_full;
	uint64_t lingered;
	struct api_request request;
};

struct api_conn *api_conn_of(struct list *node)
{
	return container_of(node, struct api_conn, node);
}

static void set_timer(struct api_conn *c, uint64_t after_ns)
{
	struct loop *l = c->api->c.loop;

	(void)loop_timer_set(l, &c->timer, loop_now_ns(l) + after_ns);
}

static void update_watch(struct api_conn *c)
{
	uint32_t events = c->state == REPLY ? EPOLLRDHUP : EPOLLIN;

	if (!list_empty(&c->out))
		events |= EPOLLOUT;
	(void)loop_rewatch(&c->watch, events);
}

/* ---- requests ---- */

static void request_end(struct api_conn *c)
{
	struct api_request *r = &c->request;

	if (r->release)
		r->release(r);
	json_decref(r->json);
	free(r->query_text);
	free(take_ptr(c->body));
	c->body_len = 0;
	*r = (struct api_request){ .api = c->api, .conn = c };
}

static void out_drop(struct api_conn *c)
{
	struct list *node;

	while ((node = list_pop_head(&c->out))) {
		struct piece *p = container_of(node, struct piece, node);

		free(p->data);
		free(p);
	}
	c->out_bytes = 0;
}

void api_conn_free(struct api_conn *c)
{
	struct loop *l = c->api->c.loop;

	request_end(c);
	out_drop(c);
	loop_unwatch(&c->watch);
	loop_timer_cancel(l, &c->timer);
	loop_undefer(l, &c->flush);
	if (c->fd >= 0)
		close(c->fd);
	list_del(&c->node);
	c->api->conn_count--;
	free(c->in);
	free(c);
}

/* For the next one on this connection. */
static void await_head(struct api_conn *c)
{
	static const struct http_limits limits = { .head_bytes = API_HEAD_MAX,
						   .line_bytes = 8192,
						   .fields = 64 };

	http_request_init(&c->head, &limits);
	c->state = HEAD;
	c->replied = c->finished = c->was_full = false;
	set_timer(c, c->in_len ? HEAD_NS : IDLE_NS);
}

static void consume(struct api_conn *c, size_t len)
{
	c->in_len -= len;
	memmove(c->in, c->in + len, c->in_len);
}

/* ---- whose it is ---- */

static void identify(struct api_conn *c)
{
	const struct http_field *f = http_find(&c->head, HTTP_AUTHORIZATION);
	static const char scheme[] = "Bearer ";
	const struct token *t = NULL;
	char text[TOKEN_TEXT_MAX];
	size_t skip = sizeof(scheme) - 1, len;

	c->who = c->peer;
	if (!f || f->value.len <= skip ||
	    strncasecmp(c->in + f->value.off, scheme, skip) != 0)
		return;
	len = f->value.len - skip;
	if (len < sizeof(text)) {
		memcpy(text, c->in + f->value.off + skip, len);
		text[len] = '\0';
		t = registry_token_find(c->api->c.registry, text);
		memset(text, 0, sizeof(text));
	}
	/* A token that is wrong is an error, whoever shows it. */
	c->who = (struct api_who){ .admin = t && t->role == TOKEN_ADMIN,
				   .invokes = t && t->role == TOKEN_INVOKE };
	if (t)
		memcpy(c->who.function, t->function, sizeof(t->function));
}

/* May it, and if not, is it told who could? */
static bool permitted(struct api_conn *c)
{
	struct api_request *r = &c->request;

	if (c->who.admin || r->route->open)
		return true;
	if (c->refusal)
		api_problem(r, 403, "%s", c->refusal);
	else if (c->who.invokes)
		api_problem(r, 403,
			    "this token is for requests to functions; the API "
			    "wants one of role admin");
	else
		api_problem(r, 401,
			    "this address of the API wants a token: "
			    "Authorization: Bearer TOKEN");
	return false;
}

/* ---- requests for functions ---- */

/*
 * 1: the connection is the gateway's and gone from here. Only of those who
 * may do everything: what else comes on it, the gateway takes as theirs.
 */
static int hand_over(struct api_conn *c)
{
	const struct api_config *config = &c->api->c;

	if (c->head.path.len < 4 || !config->ops->adopt ||
	    memcmp(c->in + c->head.path.off, "/fn/", 4) != 0)
		return 0;
	if (!c->who.admin) {
		api_problem(&c->request, c->who.invokes ? 403 : 401,
			    "functions are asked at %s, with the tokens that "
			    "they want",
			    config->url);
		return 0;
	}
	loop_unwatch(&c->watch);
	(void)config->ops->adopt(config->ops_ctx, take_fd(&c->fd), c->in,
				 c->in_len);
	api_conn_free(c);
	return 1;
}

/* ---- heads ---- */

static bool accepts_csv(const struct api_conn *c)
{
	const struct http_field *f = http_find(&c->head, HTTP_ACCEPT);

	return f && f->value.len >= 8 &&
	       strncasecmp(c->in + f->value.off, "text/csv", 8) == 0;
}

static bool is_json(const struct api_conn *c)
{
	const struct http_field *f = http_find(&c->head, HTTP_CONTENT_TYPE);
	static const char type[] = "application/json";
	size_t len = sizeof(type) - 1;

	if (!f)
		return true;
	return f->value.len >= len &&
	       strncasecmp(c->in + f->value.off, type, len) == 0 &&
	       (f->value.len == len ||
		strchr("; \t", c->in[f->value.off + len]));
}

static bool find_route(struct api_conn *c)
{
	struct api_request *r = &c->request;
	const struct http_head *h = &c->head;
	char path[1024], allow[64];
	struct err e;

	if (h->form != HTTP_ORIGIN_FORM || h->path.len >= sizeof(path)) {
		api_problem(r, 404, "there is nothing of this name");
		return false;
	}
	memcpy(path, c->in + h->path.off, h->path.len);
	path[h->path.len] = '\0';
	r->route = api_route_find(r, path, allow);
	if (!r->route && allow[0])
		api_problem(r, 405, "here one can %s only", allow);
	else if (!r->route)
		api_problem(r, 404, "there is nothing of this name");
	if (!r->route || !permitted(c))
		return false;
	if (api_query_parse(r, c->in + h->query.off, h->query.len, &e) < 0) {
		api_problem_err(r, &e);
		return false;
	}
	return true;
}

static bool check_body(struct api_conn *c)
{
	struct api_request *r = &c->request;
	uint64_t len = c->framing == HTTP_BY_LENGTH ? c->left : 0;

	if (r->route->body == API_NO_BODY &&
	    (len > 0 || c->framing == HTTP_BY_CHUNKS))
		api_problem(r, 400, "this request has no body");
	else if (r->route->body == API_JSON && len > API_JSON_MAX)
		api_problem(r, 413, "the body has more than %u bytes",
			    API_JSON_MAX);
	else if (r->route->body == API_JSON && !is_json(c))
		api_problem(r, 415, "a body of application/json is wanted");
	return !c->replied;
}

/* The head is complete: 1 if the connection is gone. */
static int begin(struct api_conn *c)
{
	struct api_request *r = &c->request;
	const struct http_head *h = &c->head;

	r->method = h->method;
	c->persists = http_is_persistent(h);
	c->framing = http_framing(h, h->method);
	c->left = h->has_length ? h->length : 0;
	http_chunked_init(&c->chunked);
	r->body_length = c->framing == HTTP_BY_CHUNKS ? UINT64_MAX : c->left;
	r->wants_csv = accepts_csv(c);
	identify(c);
	if (hand_over(c))
		return 1;
	c->state = REPLY;
	if (!c->replied && find_route(c) && check_body(c)) {
		c->state = BODY;
		set_timer(c, BODY_NS);
		if (r->route->body == API_STREAM)
			r->route->handle(r);
	}
	if (c->state == BODY && !c->replied && h->expect_continue) {
		char *go = strdup("HTTP/1.1 100 Continue\r\n\r\n");

		api_conn_queue(c, go, go ? strlen(go) : 0);
	}
	consume(c, h->len);
	return 0;
}

static int parse_head(struct api_conn *c)
{
	switch (http_head_parse(&c->head, c->in, c->in_len)) {
	case HTTP_MORE:
		return 0;
	case HTTP_BAD:
		c->state = REPLY;
		c->persists = false;
		api_problem(&c->request, c->head.answer, "%s", c->head.why);
		return 0;
	case HTTP_DONE:
		break;
	}
	return begin(c);
}

/* ---- bodies ---- */

static void add_json(struct api_conn *c, const char *data, size_t len)
{
	char *more;

	if (len > API_JSON_MAX - c->body_len) {
		api_problem(&c->request, 413, "the body has more than %u bytes",
			    API_JSON_MAX);
		return;
	}
	more = realloc(c->body, c->body_len + len + 1);
	if (!more) {
		api_problem(&c->request, 503, "out of memory");
		return;
	}
	memcpy(more + c->body_len, data, len);
	c->body = more;
	c->body_len += len;
}

static void take_data(struct api_conn *c, const char *data, size_t len)
{
	struct api_request *r = &c->request;

	if (len == 0 || c->replied)
		return;
	if (r->route->body == API_STREAM)
		(void)r->body_data(r, data, len);
	else
		add_json(c, data, len);
}

static void body_done(struct api_conn *c)
{
	struct api_request *r = &c->request;
	json_error_t where;

	c->state = REPLY;
	loop_timer_cancel(c->api->c.loop, &c->timer);
	if (r->route->body == API_STREAM) {
		r->body_end(r);
		return;
	}
	if (r->route->body == API_JSON) {
		r->json = json_loadb(c->body ? c->body : "", c->body_len,
				     JSON_REJECT_DUPLICATES, &where);
		if (!r->json) {
			api_problem(r, 400, "the body is not JSON: %s, line %d",
				    where.text, where.line);
			return;
		}
	}
	r->route->handle(r);
}

/* Replied before the end of the body: the rest is not of interest. */
static void body_cut(struct api_conn *c)
{
	c->state = REPLY;
	c->persists = false;
}

static void read_body(struct api_conn *c)
{
	size_t data = 0;
	ssize_t taken;

	if (c->framing == HTTP_BY_CHUNKS) {
		taken = http_chunked_decode(&c->chunked, c->in, c->in_len,
					    &data);
		take_data(c, c->in, data);
		if (taken < 0 && !c->replied)
			api_problem(&c->request, 400, "%s", c->chunked.why);
		consume(c, taken < 0 ? c->in_len : (size_t)taken);
	} else {
		data = c->left < c->in_len ? (size_t)c->left : c->in_len;
		take_data(c, c->in, data);
		consume(c, data);
		c->left -= data;
	}
	if (c->replied)
		body_cut(c);
	else if (c->framing == HTTP_BY_CHUNKS ? http_chunked_done(&c->chunked) :
						c->left == 0)
		body_done(c);
}

/* All that can be done with what was read. 1 if the connection is gone. */
static int process(struct api_conn *c)
{
	enum state before;
	size_t len;

	do {
		before = c->state;
		len = c->in_len;
		if (c->state == HEAD && c->in_len && parse_head(c))
			return 1;
		if (c->state == BODY)
			read_body(c);
	} while (c->state != before || (c->state == BODY && c->in_len != len));
	return 0;
}

/* ---- what the replies call ---- */

void api_conn_queue(struct api_conn *c, char *data, size_t len)
{
	struct piece *p = data ? malloc(sizeof(*p)) : NULL;

	if (!p) {
		free(data);
		c->broken = true;
	} else {
		*p = (struct piece){ .data = data, .len = len };
		list_add_tail(&c->out, &p->node);
		c->out_bytes += len;
		c->was_full |= c->out_bytes >= API_STREAM_PENDING;
	}
	loop_defer(c->api->c.loop, &c->flush);
}

size_t api_conn_pending(const struct api_conn *c)
{
	return c->out_bytes;
}

void api_conn_finish(struct api_conn *c)
{
	c->finished = true;
	loop_defer(c->api->c.loop, &c->flush);
}

bool api_conn_persists(const struct api_conn *c)
{
	return c->persists;
}

bool api_conn_chunks(const struct api_conn *c)
{
	return c->head.minor > 0;
}

bool api_conn_replied(const struct api_conn *c)
{
	return c->replied;
}

void api_conn_set_replied(struct api_conn *c, bool persists)
{
	c->replied = true;
	c->persists = persists;
}

/* ---- sending ---- */

/* -EAGAIN if the socket is full, 0 if all is sent. */
static int send_out(struct api_conn *c)
{
	while (!list_empty(&c->out)) {
		struct piece *p = container_of(c->out.next, struct piece, node);
		ssize_t n = send(c->fd, p->data + p->off, p->len - p->off,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		set_timer(c, SEND_NS);
		p->off += (size_t)n;
		c->out_bytes -= (size_t)n;
		if (p->off < p->len)
			continue;
		list_del(&p->node);
		free(p->data);
		free(p);
	}
	return 0;
}

/* All of the reply is sent. 1 if the connection is gone. */
static int reply_sent(struct api_conn *c)
{
	request_end(c);
	if (!c->persists) {
		c->state = LINGER;
		(void)shutdown(c->fd, SHUT_WR);
		set_timer(c, LINGER_NS);
		return 0;
	}
	await_head(c);
	return process(c);
}

static void after_sending(struct api_conn *c)
{
	struct api_request *r = &c->request;

	if (c->state == REPLY && !c->finished)
		loop_timer_cancel(c->api->c.loop, &c->timer);
	if (c->finished && c->state != LINGER) {
		if (c->state == BODY)
			body_cut(c);
		if (reply_sent(c))
			return;
	} else if (c->was_full && r->writable) {
		c->was_full = false;
		r->writable(r);
	}
	update_watch(c);
}

static void flush(struct api_conn *c)
{
	int r = c->broken ? -ENOMEM : send_out(c);

	if (r == -EAGAIN)
		update_watch(c);
	else if (r < 0)
		api_conn_free(c);
	else
		after_sending(c);
}

static void on_flush(struct loop_task *t)
{
	flush(container_of(t, struct api_conn, flush));
}

/* ---- reading ---- */

/* What still comes is read and dropped, so that the reply arrives. */
static void linger(struct api_conn *c)
{
	ssize_t n = read(c->fd, c->in, API_IN_MAX);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	c->lingered += n > 0 ? (uint64_t)n : 0;
	if (n <= 0 || c->lingered > LINGER_BYTES)
		api_conn_free(c);
}

static void receive(struct api_conn *c)
{
	for (int i = 0; i < PIECES_AT_ONCE; i++) {
		size_t room;
		ssize_t n;

		if (c->state == REPLY || c->state == LINGER)
			break;
		/* Who takes the connection over has room for a head. */
		room = c->state == HEAD ? API_HEAD_MAX + 1024 : API_IN_MAX;
		n = read(c->fd, c->in + c->in_len, room - c->in_len);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0) {
			api_conn_free(c);
			return;
		}
		if (c->state == HEAD && c->in_len == 0)
			set_timer(c, HEAD_NS);
		else if (c->state == BODY)
			set_timer(c, BODY_NS);
		c->in_len += (size_t)n;
		if (process(c))
			return;
	}
	update_watch(c);
}

static void on_ready(struct loop_watch *w, uint32_t events)
{
	struct api_conn *c = container_of(w, struct api_conn, watch);
	bool gone = events & (EPOLLERR | EPOLLHUP) ||
		    (c->state == REPLY && events & EPOLLRDHUP);

	if (gone)
		api_conn_free(c);
	else if (c->state == LINGER)
		linger(c);
	else if (events & EPOLLOUT)
		flush(c);
	else
		receive(c);
}

static void on_timer(struct loop_timer *t)
{
	struct api_conn *c = container_of(t, struct api_conn, timer);

	if ((c->state == HEAD && !c->in_len) || c->state == LINGER ||
	    c->replied) {
		api_conn_free(c);
		return;
	}
	c->state = REPLY;
	c->persists = false;
	api_problem(&c->request, 408, "the request did not come in time");
}

void api_conn_new(struct api_listener *l, int fd, const struct api_who *who,
		  const char *refusal)
{
	struct api_conn *c = calloc(1, sizeof(*c));
	char *in = malloc(API_IN_MAX);

	if (!c || !in || loop_watch(l->api->c.loop, &c->watch, fd, EPOLLIN)) {
		free(c);
		free(in);
		close(fd);
		return;
	}
	c->api = l->api;
	c->fd = fd;
	c->in = in;
	c->peer = *who;
	c->refusal = refusal;
	c->watch.ready = on_ready;
	c->timer.fire = on_timer;
	c->flush.run = on_flush;
	c->request = (struct api_request){ .api = l->api, .conn = c };
	list_init(&c->out);
	list_add_tail(&l->api->conns, &c->node);
	l->api->conn_count++;
	await_head(c);
}
