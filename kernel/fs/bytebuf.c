/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A circular buffer over one power-of-two run of pages. Pipes and local
 * sockets keep their bytes in one; it never grows.
 */
#include "fs/bytebuf.h"

#include "core/alloc.h"

static unsigned order_of(uint32_t size)
{
	unsigned order = 0;

	while ((PAGE_SIZE << order) < size)
		order++;
	return order;
}

void bytebuf_init(struct bytebuf *b, uint32_t max)
{
	*b = (struct bytebuf){ .max = max };
}

void bytebuf_fini(struct bytebuf *b)
{
	if (b->data)
		page_free(b->data, order_of(b->size));
	bytebuf_init(b, b->max);
}

uint8_t *bytebuf_front(struct bytebuf *b, uint32_t *ret_len)
{
	uint32_t room = b->size - b->head;

	*ret_len = b->len < room ? b->len : room;
	return b->data + b->head;
}

void bytebuf_drop(struct bytebuf *b, uint32_t len)
{
	b->len -= len;
	b->head = b->len ? (b->head + len) & (b->size - 1) : 0;
}

static int bytebuf_grow(struct bytebuf *b, uint32_t need)
{
	uint32_t size = b->size ? b->size : (uint32_t)PAGE_SIZE;
	uint32_t front;
	uint8_t *data, *old;

	while (size < need)
		size *= 2;
	data = page_alloc(order_of(size));
	if (!data)
		return -ENOMEM;
	if (b->len) {
		old = bytebuf_front(b, &front);
		memcpy(data, old, front);
		memcpy(data + front, b->data, b->len - front);
	}
	if (b->data)
		page_free(b->data, order_of(b->size));
	b->data = data;
	b->size = size;
	b->head = 0;
	return 0;
}

long bytebuf_put(struct bytebuf *b, struct iov_iter *from, uint64_t len)
{
	uint64_t todo = min_u64(len, bytebuf_space(b));
	uint64_t done = 0;

	todo = min_u64(todo, from->left);
	if (!todo)
		return 0;
	if (b->len + todo > b->size &&
	    bytebuf_grow(b, (uint32_t)(b->len + todo)) < 0) {
		/* Short of memory: what there is must do. */
		todo = b->size - b->len;
		if (!todo)
			return -ENOMEM;
	}
	while (done < todo) {
		uint32_t tail = (b->head + b->len) & (b->size - 1);
		uint64_t part = min_u64(todo - done, b->size - tail);

		part = iov_copy_in(from, b->data + tail, part);
		if (!part)
			break;
		b->len += (uint32_t)part;
		done += part;
	}
	return (long)done;
}

long bytebuf_peek(const struct bytebuf *b, struct iov_iter *to, uint64_t off,
		  uint64_t len)
{
	uint64_t done = 0, todo;

	if (off >= b->len)
		return 0;
	todo = min_u64(min_u64(len, b->len - off), to->left);
	while (done < todo) {
		uint64_t at = (b->head + off + done) & (b->size - 1);
		uint64_t part = min_u64(todo - done, b->size - at);

		part = iov_copy_out(to, b->data + at, part);
		if (!part)
			break;
		done += part;
	}
	return (long)done;
}

long bytebuf_get(struct bytebuf *b, struct iov_iter *to, uint64_t len)
{
	long n = bytebuf_peek(b, to, 0, len);

	if (n > 0)
		bytebuf_drop(b, (uint32_t)n);
	return n;
}
