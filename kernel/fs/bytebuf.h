/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue of bytes: pipes, streams inside the guest, output on its way to
 * the monitor. Takes no memory while it is empty and was never filled, grows
 * by doubling up to `max`.
 */
#ifndef KERNEL_FS_BYTEBUF_H
#define KERNEL_FS_BYTEBUF_H

#include "core/kernel.h"
#include "core/uaccess.h"

struct bytebuf {
	uint8_t *data;
	uint32_t size; /* bytes of data: 0, or PAGE_SIZE << n */
	uint32_t head; /* index of the first byte */
	uint32_t len; /* bytes queued */
	uint32_t max; /* bytes, PAGE_SIZE << n, at most 4 MiB */
	bool pinned; /* somebody reads from it: it must not move */
};

void bytebuf_init(struct bytebuf *b, uint32_t max);
void bytebuf_fini(struct bytebuf *b);

static inline uint32_t bytebuf_space(const struct bytebuf *b)
{
	uint32_t max = b->pinned ? b->size : b->max;

	return b->len < max ? max - b->len : 0;
}

/* Appends up to len bytes: those that fit. Bytes appended or -ENOMEM. */
long bytebuf_put(struct bytebuf *b, struct iov_iter *from, uint64_t len);
/* Moves (peek: copies, from offset off) up to len bytes out. */
long bytebuf_get(struct bytebuf *b, struct iov_iter *to, uint64_t len);
long bytebuf_peek(const struct bytebuf *b, struct iov_iter *to, uint64_t off,
		  uint64_t len);
/* The first bytes that lie together; their number goes to *ret_len. */
uint8_t *bytebuf_front(struct bytebuf *b, uint32_t *ret_len);
void bytebuf_drop(struct bytebuf *b, uint32_t len);

#endif
