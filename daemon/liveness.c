/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer below 500 is a sign of life; none within the time for a first
 * byte, or one of 500 and more, is not. Three without are the end.
 */
#include "daemon/liveness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/dispatch_private.h"
#include "host/cleanup.h"
#include "http/head.h"

#define FAILURES_MAX 3
#define ANSWER_MS    30000u /* if the function sets no limit */
#define MS_NS	     1000000ull

static const struct http_limits limits = { .head_bytes = 1024,
					   .line_bytes = 512,
					   .fields = HTTP_FIELDS_MAX };

static const struct spec *spec_of(const struct liveness *l)
{
	return &l->instance->plan->version->spec;
}

static void set_timer(struct liveness *l, uint64_t ms)
{
	struct loop *loop = l->instance->dispatch->loop;

	(void)loop_timer_set(loop, &l->timer, loop_now_ns(loop) + ms * MS_NS);
}

static void hang_up(struct liveness *l)
{
	loop_unwatch(&l->watch);
	if (l->fd >= 0)
		close(take_fd(&l->fd));
}

static void note(struct liveness *l, bool alive, const char *why)
{
	hang_up(l);
	l->failures = alive ? 0 : l->failures + 1;
	if (l->failures < FAILURES_MAX) {
		set_timer(l, spec_of(l)->liveness_ms);
		return;
	}
	loop_timer_cancel(l->instance->dispatch->loop, &l->timer);
	dispatch_unhealthy(l->instance, why);
}

/* Where the first line is complete there is a status. */
static void on_answer(struct loop_watch *w, uint32_t events)
{
	struct liveness *l = container_of(w, struct liveness, watch);
	struct http_head h;
	ssize_t n = recv(l->fd, l->head + l->len, sizeof(l->head) - l->len,
			 MSG_DONTWAIT);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		l->len += (size_t)n;
	http_response_init(&h, &limits);
	switch (http_head_parse(&h, l->head, l->len)) {
	case HTTP_DONE:
		note(l, h.status < 500, "it answers that it is not well");
		break;
	case HTTP_BAD:
		/* A head that is only too long for us is a sign of life. */
		note(l, l->len == sizeof(l->head), "it answers no HTTP");
		break;
	case HTTP_MORE:
		if (n <= 0)
			note(l, false, "it closes its connections");
		break;
	}
}

static void ask(struct liveness *l)
{
	const struct spec *s = spec_of(l);
	struct loop *loop = l->instance->dispatch->loop;
	char text[1024];
	int n = snprintf(text, sizeof(text),
			 "GET %s HTTP/1.1\r\nHost: localhost\r\n"
			 "User-Agent: mayfly-liveness\r\n"
			 "Connection: close\r\n\r\n",
			 s->liveness);

	l->len = 0;
	l->fd = instance_connect(l->instance);
	if (l->fd < 0 || n < 0 || (size_t)n >= sizeof(text) ||
	    send(l->fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) != n ||
	    loop_watch(loop, &l->watch, l->fd, EPOLLIN) < 0)
		note(l, false, "it takes no connections");
	else
		set_timer(l, s->first_byte_ms ? s->first_byte_ms : ANSWER_MS);
}

static void on_timer(struct loop_timer *t)
{
	struct liveness *l = container_of(t, struct liveness, timer);

	if (l->fd < 0)
		ask(l);
	else
		note(l, false, "it does not answer");
}

void liveness_start(struct liveness *l, struct instance *i)
{
	const struct spec *s = &i->plan->version->spec;

	if (!s->liveness || !s->liveness_ms || s->mode != FUNCTION_HTTP ||
	    s->isolation != ISOLATION_REUSE)
		return;
	l->instance = i;
	l->fd = -1;
	l->watch.ready = on_answer;
	l->timer.fire = on_timer;
	set_timer(l, s->liveness_ms);
}

void liveness_stop(struct liveness *l)
{
	if (!l->instance)
		return;
	loop_timer_cancel(l->instance->dispatch->loop, &l->timer);
	hang_up(l);
	l->instance = NULL;
}
