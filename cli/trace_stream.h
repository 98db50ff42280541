/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the stream of docs/formats/trace.md. It comes from the guest, which
 * may write anything: what does not fit together ends the reading.
 */
#ifndef CLI_TRACE_STREAM_H
#define CLI_TRACE_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "abi/trace.h"
#include "host/err.h"

/* One record; `mem` is mem_count checked pieces of memory. */
struct trace_event {
	struct mf_trace_record head;
	const uint8_t *mem; /* mem_len bytes */
	size_t mem_len;
};

struct trace_stream {
	uint8_t *buf;
	size_t len; /* bytes in it */
	bool started; /* the first record came */
};

typedef void (*trace_event_fn)(void *arg, const struct trace_event *ev);

int trace_stream_init(struct trace_stream *s);
void trace_stream_fini(struct trace_stream *s);

/* Where more bytes are to be put, and how many at most (never 0). */
void *trace_stream_room(struct trace_stream *s, size_t *ret_size);
/* `len` were: calls fn for what is complete. 0 or -EPROTO. */
int trace_stream_take(struct trace_stream *s, size_t len, trace_event_fn fn,
		      void *arg);

/*
 * What the record has of the memory from addr on: NULL or *ret_len bytes, at
 * least one. Not aligned.
 */
const uint8_t *trace_event_mem(const struct trace_event *ev, uint64_t addr,
			       size_t *ret_len);

#endif
