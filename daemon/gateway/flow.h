/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One direction of a message: bytes that wait to be sent, in a buffer that
 * exists only while there are any, and how a body becomes some. A body is
 * decoded as the sender framed it and framed again for the receiver, in
 * place. More of it is taken only when there is room: that is all of the
 * backpressure.
 */
#ifndef DAEMON_GATEWAY_FLOW_H
#define DAEMON_GATEWAY_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "http/chunked.h"
#include "http/head.h"

#define FLOW_SIZE (32u << 10) /* of a buffer */

/* Buffers that nobody has at the moment. */
struct flow_pool {
	void *free;
	uint32_t count;
};

char *flow_buffer(struct flow_pool *p); /* NULL: memory is short */
void flow_buffer_free(struct flow_pool *p, char *buf); /* NULL is fine */
void flow_pool_fini(struct flow_pool *p);

struct flow {
	struct flow_pool *pool;
	char *buf; /* NULL: nothing waits */
	uint32_t pos, len; /* what waits */
	enum http_framing from; /* as the sender framed it */
	bool to_chunks; /* the receiver gets chunks */
	bool discards; /* data is counted and dropped */
	bool ended; /* the body is complete */
	uint64_t left; /* of HTTP_BY_LENGTH */
	uint64_t bytes; /* of data so far */
	struct http_chunked chunked;
};

/* No body, nothing waits. */
void flow_init(struct flow *f, struct flow_pool *pool);
void flow_fini(struct flow *f);
/* A body begins; what waits already comes first. */
void flow_begin(struct flow *f, enum http_framing from, uint64_t length,
		bool to_chunks);

static inline bool flow_is_empty(const struct flow *f)
{
	return f->pos == f->len;
}

/* Bytes to be sent as they are. False: no memory or no room. */
bool flow_put(struct flow *f, const char *bytes, size_t len);

/*
 * Where to put what comes from the sender, and how much at most; NULL: no
 * memory, or no room now (*ret_room is 0).
 */
char *flow_space(struct flow *f, size_t *ret_room);
/*
 * `n` bytes of the sender are there. Those behind the end of the body are
 * copied to `rest` (of `n` bytes; NULL: dropped). Returns how many were of
 * the body, or -1 and why in f->chunked.why.
 */
ssize_t flow_take(struct flow *f, size_t n, char *rest);
/* The sender's connection has ended. False: the body is cut off. */
bool flow_take_end(struct flow *f);

/* The receiver took `n` bytes of what waits. */
void flow_sent(struct flow *f, size_t n);
/* What waits is given up. */
void flow_drop(struct flow *f);

#endif
