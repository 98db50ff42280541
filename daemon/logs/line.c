/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines: who says them, whether there is room for them, and how they look.
 * The text comes last in a line, so that who looks for something in it knows
 * where it begins; nothing before can contain what stands before it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/logs/access.h"
#include "daemon/logs/private.h"

#define NS_PER_S	1000000000ull
#define SAY_MAX		1024
#define ACCESS_TEXT_MAX 2048

static uint64_t realtime_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- rates --------------------------------------------------------------- */

static void refill(struct bucket *b, uint64_t now_ns, uint32_t per_s,
		   uint32_t burst)
{
	uint64_t passed = now_ns - b->at_ns;
	uint64_t more;

	if (passed > 60 * NS_PER_S)
		passed = 60 * NS_PER_S;
	more = passed * per_s / NS_PER_S;
	if (more == 0)
		return;
	b->tokens = b->tokens + more < burst ? b->tokens + more : burst;
	b->at_ns = now_ns;
}

bool logs_admit(struct logs *l, struct log_file *f, size_t len)
{
	const struct logs_limits *m = &l->limits;
	uint64_t now_ns = loop_now_ns(l->loop);

	refill(&f->lines, now_ns, m->lines_per_s, m->lines_burst);
	refill(&f->bytes, now_ns, m->bytes_per_s, m->bytes_burst);
	if (f->lines.tokens >= 1 && f->bytes.tokens >= len) {
		f->lines.tokens--;
		f->bytes.tokens -= len;
		f->kept_total++;
		return true;
	}
	if (f->dropped++ == 0 && l->tell.slot == 0)
		loop_timer_set(l->loop, &l->tell, now_ns + NS_PER_S);
	f->dropped_total++;
	l->dropped++;
	return false;
}

/* ---- lines --------------------------------------------------------------- */

static void member(struct textbuf *b, const char *name, const char *value,
		   size_t max)
{
	if (!value)
		return;
	textbuf_printf(b, ",\"%s\":", name);
	textbuf_json(b, value, strnlen(value, max));
}

struct text {
	const char *bytes;
	size_t len;
	bool cut; /* the rest of the line comes next */
};

static void append(struct logs *l, struct log_file *f,
		   const struct log_source *s, struct text text)
{
	struct textbuf *b = &f->pending;

	f->version = s->version;
	textbuf_text(b, "{\"ts\":\"");
	textbuf_time(b, realtime_ms());
	textbuf_text(b, "\"");
	member(b, "function", s->function, LOG_NAME_MAX);
	textbuf_printf(b, ",\"version\":%u", s->version);
	member(b, "instance", s->instance, ACCESS_TEXT_MAX);
	member(b, "request", s->request, ACCESS_TEXT_MAX);
	member(b, "stream", s->stream, ACCESS_TEXT_MAX);
	if (text.cut)
		textbuf_text(b, ",\"cut\":true");
	textbuf_text(b, ",\"text\":");
	textbuf_json(b, text.bytes, text.len);
	textbuf_text(b, "}\n");
	logs_appended(l, f);
}

bool logs_put(struct logs *l, const struct log_source *s, const char *text,
	      size_t len, bool cut)
{
	struct log_file *f;

	/* What has its name by now is another one. */
	if (s->gone && *s->gone)
		return false;
	f = logs_file(l, s->function);
	if (!f || !logs_admit(l, f, len))
		return false;
	append(l, f, s, (struct text){ text, len, cut });
	return true;
}

void logs_line(struct logs *l, const struct log_source *s, const char *text,
	       size_t len)
{
	for (; len > LOG_TEXT_MAX; text += LOG_TEXT_MAX, len -= LOG_TEXT_MAX)
		logs_put(l, s, text, LOG_TEXT_MAX, true);
	logs_put(l, s, text, len, false);
}

void logs_say(struct logs *l, const struct log_source *s, const char *fmt, ...)
{
	struct log_source platform = *s;
	char text[SAY_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	platform.stream = "platform";
	logs_put(l, &platform, text, strlen(text), false);
}

/* Says itself even if there is no room: once a second. */
static void tell_dropped(struct logs *l, struct log_file *f)
{
	const struct log_source s = { .function = f->name,
				      .version = f->version,
				      .stream = "platform" };
	char text[160];

	snprintf(text, sizeof(text),
		 "%llu lines dropped: more than %u lines or %u bytes a second",
		 (unsigned long long)f->dropped, l->limits.lines_per_s,
		 l->limits.bytes_per_s);
	f->dropped = 0;
	append(l, f, &s, (struct text){ text, strlen(text), false });
}

void logs_tell_dropped(struct loop_timer *t)
{
	struct logs *l = container_of(t, struct logs, tell);

	for (unsigned i = 0; i < LOGS_TABLE; i++)
		for (struct log_file *f = l->table[i]; f; f = f->next)
			if (f->dropped)
				tell_dropped(l, f);
}

/* ---- the access log ------------------------------------------------------ */

static void number(struct textbuf *b, const char *name, uint64_t value)
{
	textbuf_printf(b, ",\"%s\":%llu", name, (unsigned long long)value);
}

void access_log(struct logs *l, const struct access_entry *e)
{
	struct log_file *f = logs_access_file(l);
	struct textbuf *b;

	if (!f) {
		l->unwritten++;
		return;
	}
	b = &f->pending;
	textbuf_text(b, "{\"ts\":\"");
	textbuf_time(b, e->time_ms ? e->time_ms :
				     realtime_ms() - e->duration_us / 1000);
	textbuf_text(b, "\"");
	member(b, "request", e->request, ACCESS_TEXT_MAX);
	member(b, "client", e->client, ACCESS_TEXT_MAX);
	member(b, "method", e->method, ACCESS_TEXT_MAX);
	member(b, "host", e->host, ACCESS_TEXT_MAX);
	member(b, "path", e->path, ACCESS_TEXT_MAX);
	number(b, "status", e->status);
	number(b, "bytes_in", e->bytes_in);
	number(b, "bytes_out", e->bytes_out);
	number(b, "duration_us", e->duration_us);
	number(b, "queue_us", e->queue_us);
	member(b, "function", e->function, LOG_NAME_MAX);
	if (e->version)
		number(b, "version", e->version);
	member(b, "instance", e->instance, ACCESS_TEXT_MAX);
	member(b, "start", e->start, ACCESS_TEXT_MAX);
	member(b, "error", e->error, ACCESS_TEXT_MAX);
	textbuf_text(b, "}\n");
	logs_appended(l, f);
}
