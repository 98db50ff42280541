/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The probe of a deploy. Whatever happens first decides, and is told in a
 * task of its own, so that nobody who calls us finds us gone.
 */
#include "daemon/api/probe.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/cleanup.h"

#define MS_NS		1000000ull
#define FIRST_BYTE_MS	30000u /* if the spec has no limit */
#define STDIO_BYTES_MAX (64u << 20)

static void close_fd(struct api_probe *p)
{
	loop_unwatch(&p->watch);
	if (p->fd >= 0)
		close(take_fd(&p->fd));
}

static void give_back(struct api_probe *p, bool broken)
{
	struct dispatch_outcome o = { .status = (uint16_t)p->status,
				      .bytes_out = p->bytes,
				      .broken = broken };

	close_fd(p);
	if (p->assigned)
		p->c->ops->done(p->c->ops_ctx, &p->request, &o);
	else if (p->submitted)
		p->c->ops->cancel(p->c->ops_ctx, &p->request);
	p->assigned = p->submitted = false;
}

static void decide(struct api_probe *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* fmt NULL: it is ready. The first one counts. */
static void decide(struct api_probe *p, const char *fmt, ...)
{
	va_list ap;

	if (p->finish.queued)
		return;
	p->verdict = NULL;
	if (fmt) {
		va_start(ap, fmt);
		vsnprintf(p->verdict_text, sizeof(p->verdict_text), fmt, ap);
		va_end(ap);
		p->verdict = p->verdict_text;
	}
	loop_defer(p->c->loop, &p->finish);
}

static void cleanup(struct api_probe *p)
{
	loop_timer_cancel(p->c->loop, &p->timer);
	loop_undefer(p->c->loop, &p->finish);
	strlist_fini(&p->env);
	version_unref(take_ptr(p->version));
}

static void on_finish(struct loop_task *t)
{
	struct api_probe *p = container_of(t, struct api_probe, finish);

	give_back(p, p->verdict != NULL);
	cleanup(p);
	p->done(p, p->verdict);
}

void api_probe_cancel(struct api_probe *p)
{
	if (!p->version)
		return;
	give_back(p, true);
	cleanup(p);
}

/* ---- mode http ---- */

static const char *path_of(const struct api_probe *p)
{
	return p->version->spec.readiness;
}

static void judge(struct api_probe *p)
{
	p->status = p->head.status;
	if (p->head.status >= 500)
		decide(p, "it answered GET %s with status %d", path_of(p),
		       p->head.status);
	else
		decide(p, NULL);
}

static void parse(struct api_probe *p)
{
	static const struct http_limits limits = { .head_bytes = API_PROBE_HEAD,
						   .line_bytes = 8192,
						   .fields = 100 };

	switch (http_head_parse(&p->head, p->in, p->len)) {
	case HTTP_MORE:
		break;
	case HTTP_BAD:
		decide(p, "its answer to GET %s is no HTTP: %s", path_of(p),
		       p->head.why);
		break;
	case HTTP_DONE:
		if (p->head.status >= 200) {
			judge(p);
			break;
		}
		p->len -= p->head.len;
		memmove(p->in, p->in + p->head.len, p->len);
		http_response_init(&p->head, &limits);
		if (p->len)
			parse(p);
		break;
	}
}

static void receive(struct api_probe *p)
{
	ssize_t n = read(p->fd, p->in + p->len, sizeof(p->in) - p->len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		/* Its end, if it has ended, is the better reason. */
		close_fd(p);
		p->eof = true;
		if (p->ended)
			decide(p, "%s", p->end_text);
		else
			decide(p,
			       "it closed the connection instead of answering "
			       "GET %s",
			       path_of(p));
		return;
	}
	p->len += (size_t)n;
	p->bytes += (uint64_t)n;
	parse(p);
}

static void transmit(struct api_probe *p)
{
	size_t len = strlen(p->out);
	ssize_t n = send(p->fd, p->out + p->sent, len - p->sent, MSG_NOSIGNAL);

	p->sent += n > 0 ? (size_t)n : 0;
	if (p->sent == len)
		(void)loop_rewatch(&p->watch, EPOLLIN);
}

static void on_http(struct loop_watch *w, uint32_t events)
{
	struct api_probe *p = container_of(w, struct api_probe, watch);

	if (events & EPOLLIN)
		receive(p);
	else if (events & EPOLLOUT && !(events & EPOLLERR))
		transmit(p);
	else
		receive(p);
}

static void ask_http(struct api_probe *p)
{
	static const struct http_limits limits = { .head_bytes = API_PROBE_HEAD,
						   .line_bytes = 8192,
						   .fields = 100 };
	int fd = p->c->ops->connect(p->c->ops_ctx, p->request.instance);

	if (fd < 0) {
		decide(p, "it does not accept a connection: %s", strerror(-fd));
		return;
	}
	p->fd = fd;
	if (!path_of(p)) {
		p->status = 200;
		decide(p, NULL);
		return;
	}
	snprintf(p->out, sizeof(p->out),
		 "GET %s HTTP/1.1\r\nHost: %s.localhost\r\n"
		 "User-Agent: mayfly-probe\r\nAccept: */*\r\n"
		 "X-Request-Id: %s\r\nConnection: close\r\n\r\n",
		 path_of(p), p->version->function->name, p->request.id);
	http_response_init(&p->head, &limits);
	p->watch.ready = on_http;
	if (loop_watch(p->c->loop, &p->watch, fd, EPOLLIN | EPOLLOUT) < 0)
		decide(p, "it cannot be watched");
}

/* ---- mode stdio ---- */

static void stdio_check(struct api_probe *p)
{
	if (p->eof && p->ended)
		decide(p, p->end_text[0] ? "%s" : NULL, p->end_text);
}

static void on_stdio(struct loop_watch *w, uint32_t events)
{
	struct api_probe *p = container_of(w, struct api_probe, watch);
	ssize_t n = read(p->fd, p->in, sizeof(p->in));

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	p->bytes += n > 0 ? (uint64_t)n : 0;
	if (p->bytes > STDIO_BYTES_MAX)
		decide(p, "it writes more than %u MiB", STDIO_BYTES_MAX >> 20);
	if (n > 0)
		return;
	close_fd(p);
	p->eof = true;
	stdio_check(p);
}

static void ask_stdio(struct api_probe *p)
{
	int in = -1, out = -1;

	p->c->ops->stdio(p->c->ops_ctx, p->request.instance, &in, &out);
	if (in >= 0)
		close(in);
	p->fd = out;
	p->watch.ready = on_stdio;
	if (out < 0 || loop_watch(p->c->loop, &p->watch, out, EPOLLIN) < 0)
		decide(p, "its output cannot be read");
}

static int make_env(struct api_probe *p)
{
	static const char *const fixed[] = {
		"REQUEST_METHOD=GET",	    "QUERY_STRING=",
		"SERVER_PROTOCOL=HTTP/1.1", "GATEWAY_INTERFACE=CGI/1.1",
		"CONTENT_LENGTH=0",	    "REMOTE_ADDR=127.0.0.1"
	};
	char *text;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(fixed) / sizeof(fixed[0]); i++)
		r = strlist_add(&p->env, fixed[i]);
	if (asprintf(&text, "PATH_INFO=%s", path_of(p)) < 0)
		text = NULL;
	return r == 0 ? strlist_take(&p->env, text) : r;
}

/* ---- what dispatch tells ---- */

static void on_assigned(struct dispatch_request *r)
{
	struct api_probe *p = container_of(r, struct api_probe, request);

	p->assigned = true;
	if (p->version->spec.mode == FUNCTION_STDIO)
		ask_stdio(p);
	else
		ask_http(p);
}

static void on_refused(struct dispatch_request *r, int status,
		       uint32_t retry_after_s, const char *why)
{
	struct api_probe *p = container_of(r, struct api_probe, request);

	(void)retry_after_s;
	p->submitted = false;
	if (status == 504 && p->version->spec.mode == FUNCTION_HTTP)
		decide(p, "it does not listen on port %u: %s",
		       p->version->spec.port, why);
	else
		decide(p, "%s", why);
}

static bool ended_well(const struct instance_end *end)
{
	return end->reason == MF_EXIT_FINISHED && WIFEXITED((int)end->status) &&
	       WEXITSTATUS((int)end->status) == 0;
}

static void on_ended(struct dispatch_request *r, const struct instance_end *end)
{
	struct api_probe *p = container_of(r, struct api_probe, request);
	bool stdio = p->version->spec.mode == FUNCTION_STDIO;

	p->ended = true;
	if (!stdio || !ended_well(end))
		snprintf(p->end_text, sizeof(p->end_text), "%s",
			 end->why && end->why[0] ? end->why :
						   "its program ended");
	/* What it sent before is read first. */
	if (stdio)
		stdio_check(p);
	else if (p->fd < 0)
		decide(p, "%s", p->end_text);
}

static void on_timer(struct loop_timer *t)
{
	struct api_probe *p = container_of(t, struct api_probe, timer);

	if (p->version->spec.mode == FUNCTION_STDIO)
		decide(p, "its program did not end in time");
	else if (!p->assigned)
		decide(p, "it did not listen on port %u in time",
		       p->version->spec.port);
	else
		decide(p,
		       "it did not answer GET %s in time; is %u the port that "
		       "it listens on?",
		       path_of(p), p->version->spec.port);
}

void api_probe_start(struct api_probe *p, const struct api_config *c,
		     struct version *v)
{
	const struct spec *s = &v->spec;
	uint64_t wait_ms = s->start_ms;

	wait_ms += s->first_byte_ms ? s->first_byte_ms : FIRST_BYTE_MS;
	p->c = c;
	p->version = version_ref(v);
	p->fd = -1;
	p->submitted = p->assigned = p->ended = p->eof = false;
	p->status = 0;
	p->sent = p->len = 0;
	p->bytes = 0;
	p->end_text[0] = '\0';
	p->timer.fire = on_timer;
	p->finish.run = on_finish;
	p->request = (struct dispatch_request){
		.version = v,
		.trigger = TRIGGER_PROBE,
		.arrived_ns = loop_clock_ns(c->loop),
		.env = &p->env,
		.assigned = on_assigned,
		.refused = on_refused,
		.ended = on_ended,
	};
	snprintf(p->request.id, sizeof(p->request.id), "probe-%08x%08x",
		 randombytes_random(), randombytes_random());
	if (s->mode == FUNCTION_STDIO && (!path_of(p) || make_env(p) < 0)) {
		decide(p, path_of(p) ? "out of memory" : NULL);
		return;
	}
	(void)loop_timer_set(c->loop, &p->timer,
			     loop_now_ns(c->loop) + wait_ms * MS_NS);
	p->submitted = true;
	c->ops->submit(c->ops_ctx, &p->request);
}
