/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cuts the stream of a trace into records and checks each before anybody
 * sees it. The buffer holds two records of the largest size, so that there
 * is always room for what completes one.
 */
#include "cli/trace_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STREAM_SIZE (2u * MF_TRACE_RECORD_MAX)

int trace_stream_init(struct trace_stream *s)
{
	*s = (struct trace_stream){ .buf = malloc(STREAM_SIZE) };
	return s->buf ? 0 : -ENOMEM;
}

void trace_stream_fini(struct trace_stream *s)
{
	free(s->buf);
	*s = (struct trace_stream){ 0 };
}

void *trace_stream_room(struct trace_stream *s, size_t *ret_size)
{
	*ret_size = STREAM_SIZE - s->len;
	return s->buf + s->len;
}

static size_t pad8(size_t len)
{
	return (len + 7) & ~(size_t)7;
}

/* Whether the pieces fill the record to its end exactly. */
static bool mem_ok(const struct trace_event *ev)
{
	size_t at = 0, left = ev->mem_len;
	struct mf_trace_mem m;

	for (unsigned i = 0; i < ev->head.mem_count; i++) {
		if (left < sizeof(m))
			return false;
		memcpy(&m, ev->mem + at, sizeof(m));
		left -= sizeof(m);
		if (!m.len || m.len > left || pad8(m.len) > left ||
		    m.addr + m.len < m.addr)
			return false;
		left -= pad8(m.len);
		at = ev->mem_len - left;
	}
	return left == 0;
}

static bool size_ok(const struct mf_trace_record *h)
{
	return h->size >= sizeof(*h) && h->size <= MF_TRACE_RECORD_MAX &&
	       h->size % 8 == 0;
}

static bool head_ok(struct trace_stream *s, const struct mf_trace_record *h)
{
	bool is_start = h->kind == MF_TRACE_START;

	if (h->kind < MF_TRACE_START || h->kind > MF_TRACE_END ||
	    is_start == s->started || (is_start && h->arg[0] != MF_TRACE_MAGIC))
		return false;
	s->started = true;
	return true;
}

int trace_stream_take(struct trace_stream *s, size_t len, trace_event_fn fn,
		      void *arg)
{
	struct trace_event ev;
	size_t at = 0;

	s->len += len;
	while (s->len - at >= sizeof(ev.head)) {
		memcpy(&ev.head, s->buf + at, sizeof(ev.head));
		if (!size_ok(&ev.head))
			return -EPROTO;
		if (ev.head.size > s->len - at)
			break;
		if (!head_ok(s, &ev.head))
			return -EPROTO;
		ev.mem = s->buf + at + sizeof(ev.head);
		ev.mem_len = ev.head.size - sizeof(ev.head);
		if (!mem_ok(&ev))
			return -EPROTO;
		fn(arg, &ev);
		at += ev.head.size;
	}
	s->len -= at;
	memmove(s->buf, s->buf + at, s->len);
	return 0;
}

const uint8_t *trace_event_mem(const struct trace_event *ev, uint64_t addr,
			       size_t *ret_len)
{
	const uint8_t *at = ev->mem;
	struct mf_trace_mem m;

	for (unsigned i = 0; i < ev->head.mem_count; i++) {
		memcpy(&m, at, sizeof(m));
		at += sizeof(m);
		if (addr >= m.addr && addr - m.addr < m.len) {
			*ret_len = m.len - (size_t)(addr - m.addr);
			return at + (addr - m.addr);
		}
		at += pad8(m.len);
	}
	return NULL;
}
