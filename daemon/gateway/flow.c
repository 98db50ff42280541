/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies in place: what comes is put behind room for the head of a chunk,
 * decoded where it lies, and gets head and end around it, so that one call
 * sends all of it. A head of the message that still waits is moved up to it:
 * it is short, and mostly there is none.
 */
#include "daemon/gateway/flow.h"

#include <stdlib.h>
#include <string.h>

#define FREE_MAX 32u /* buffers kept for later */

#define CHUNK_END_LEN  2u /* CR LF */
#define LAST_CHUNK_LEN (sizeof(HTTP_LAST_CHUNK) - 1)

char *flow_buffer(struct flow_pool *p)
{
	void *buf = p->free;

	if (!buf)
		return malloc(FLOW_SIZE);
	memcpy(&p->free, buf, sizeof(p->free));
	p->count--;
	return buf;
}

void flow_buffer_free(struct flow_pool *p, char *buf)
{
	if (!buf || p->count >= FREE_MAX) {
		free(buf);
		return;
	}
	memcpy(buf, &p->free, sizeof(p->free));
	p->free = buf;
	p->count++;
}

void flow_pool_fini(struct flow_pool *p)
{
	while (p->count)
		free(flow_buffer(p));
}

void flow_init(struct flow *f, struct flow_pool *pool)
{
	memset(f, 0, sizeof(*f));
	f->pool = pool;
	f->ended = true;
}

void flow_drop(struct flow *f)
{
	flow_buffer_free(f->pool, f->buf);
	f->buf = NULL;
	f->pos = f->len = 0;
}

void flow_fini(struct flow *f)
{
	if (f->pool)
		flow_drop(f);
}

static bool need_buffer(struct flow *f)
{
	if (!f->buf)
		f->buf = flow_buffer(f->pool);
	return f->buf;
}

bool flow_put(struct flow *f, const char *bytes, size_t len)
{
	if (!need_buffer(f) || len > FLOW_SIZE - f->len)
		return false;
	memcpy(f->buf + f->len, bytes, len);
	f->len += (uint32_t)len;
	return true;
}

static void end_body(struct flow *f)
{
	f->ended = true;
	if (f->to_chunks)
		flow_put(f, HTTP_LAST_CHUNK, LAST_CHUNK_LEN);
}

void flow_begin(struct flow *f, enum http_framing from, uint64_t length,
		bool to_chunks)
{
	f->from = from;
	f->to_chunks = to_chunks;
	f->left = length;
	f->bytes = 0;
	f->ended = from == HTTP_NO_BODY ||
		   (from == HTTP_BY_LENGTH && length == 0);
	http_chunked_init(&f->chunked);
}

static uint32_t room_before(const struct flow *f)
{
	return f->to_chunks ? HTTP_CHUNK_HEAD_MAX : 0;
}

static uint32_t room_behind(const struct flow *f)
{
	return f->to_chunks ? CHUNK_END_LEN + LAST_CHUNK_LEN : 0;
}

char *flow_space(struct flow *f, size_t *ret_room)
{
	uint32_t used = f->len + room_before(f) + room_behind(f);

	*ret_room = 0;
	if (f->ended || used >= FLOW_SIZE || !need_buffer(f))
		return NULL;
	*ret_room = FLOW_SIZE - used;
	return f->buf + f->len + room_before(f);
}

/* Data in the sender's bytes, at their start; how many were taken. */
static ssize_t decode(struct flow *f, char *at, size_t n, size_t *ret_data)
{
	ssize_t taken = (ssize_t)n;

	if (f->from == HTTP_BY_CHUNKS) {
		taken = http_chunked_decode(&f->chunked, at, n, ret_data);
		f->ended = http_chunked_done(&f->chunked);
		return taken;
	}
	if (f->from == HTTP_BY_LENGTH) {
		if (n > f->left)
			taken = (ssize_t)f->left;
		f->left -= (uint64_t)taken;
		f->ended = f->left == 0;
	}
	*ret_data = (size_t)taken;
	return taken;
}

/* `n` bytes of data are behind the room for the head of their chunk. */
static void add_chunk(struct flow *f, size_t n)
{
	char head[HTTP_CHUNK_HEAD_MAX];
	uint32_t head_len = (uint32_t)http_chunk_head(head, n);
	uint32_t gap = HTTP_CHUNK_HEAD_MAX - head_len;

	memmove(f->buf + f->pos + gap, f->buf + f->pos, f->len - f->pos);
	f->pos += gap;
	f->len += gap;
	memcpy(f->buf + f->len, head, head_len);
	f->len += head_len + (uint32_t)n;
	flow_put(f, "\r\n", CHUNK_END_LEN);
}

ssize_t flow_take(struct flow *f, size_t n, char *rest)
{
	char *at = f->buf + f->len + room_before(f);
	size_t data;
	ssize_t taken = decode(f, at, n, &data);

	if (taken >= 0 && rest)
		memcpy(rest, at + taken, n - (size_t)taken);
	f->bytes += data;
	if (f->discards)
		data = 0;
	if (data && f->to_chunks)
		add_chunk(f, data);
	else
		f->len += (uint32_t)data;
	if (taken >= 0 && f->ended)
		end_body(f);
	if (flow_is_empty(f))
		flow_drop(f);
	return taken;
}

bool flow_take_end(struct flow *f)
{
	if (f->ended)
		return true;
	if (f->from != HTTP_BY_CLOSE && f->from != HTTP_TUNNEL)
		return false;
	end_body(f);
	return true;
}

void flow_sent(struct flow *f, size_t n)
{
	f->pos += (uint32_t)n;
	if (flow_is_empty(f))
		flow_drop(f);
}
