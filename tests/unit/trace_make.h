/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the bytes of a trace, as a guest kernel would. */
#ifndef TESTS_UNIT_TRACE_MAKE_H
#define TESTS_UNIT_TRACE_MAKE_H

#include <string.h>

#include "abi/trace.h"

#define MAKE_MAX (256u << 10)

struct make {
	_Alignas(8) uint8_t bytes[MAKE_MAX];
	size_t len;
	size_t at; /* of the last record */
};

static inline struct mf_trace_record *make_last(struct make *m)
{
	return (struct mf_trace_record *)(void *)(m->bytes + m->at);
}

static inline struct mf_trace_record *
make_record(struct make *m, enum mf_trace_kind kind, uint32_t tid, uint32_t nr)
{
	struct mf_trace_record r = {
		.size = sizeof(r), .kind = (uint16_t)kind, .tid = tid, .nr = nr
	};

	m->at = m->len;
	memcpy(m->bytes + m->len, &r, sizeof(r));
	m->len += sizeof(r);
	return make_last(m);
}

/* A piece of memory for the last record. */
static inline void make_mem(struct make *m, uint64_t addr, const void *data,
			    size_t len)
{
	struct mf_trace_mem piece = { .addr = addr, .len = (uint32_t)len };
	size_t padded = (len + 7) & ~(size_t)7;

	memcpy(m->bytes + m->len, &piece, sizeof(piece));
	memset(m->bytes + m->len + sizeof(piece), 0, padded);
	memcpy(m->bytes + m->len + sizeof(piece), data, len);
	m->len += sizeof(piece) + padded;
	make_last(m)->size += (uint32_t)(sizeof(piece) + padded);
	make_last(m)->mem_count++;
}

static inline void make_start(struct make *m)
{
	struct mf_trace_record *r = make_record(m, MF_TRACE_START, 1, 0);

	r->arg[0] = MF_TRACE_MAGIC;
	r->arg[2] = 1;
}

#endif
