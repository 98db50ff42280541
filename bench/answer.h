/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP/1.1 answer: with a length, in chunks, or up to the end of the
 * connection.
 */
#ifndef BENCH_ANSWER_H
#define BENCH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#define ANSWER_MAX 16384

struct answer {
	char raw[ANSWER_MAX + 1]; /* what came; ends with NUL */
	size_t raw_len;
	bool closed; /* by the other side */
	char body[ANSWER_MAX + 1];
	size_t body_len;
	int status; /* 0: not known yet */
};

enum verdict { ANSWER_MORE, ANSWER_COMPLETE, ANSWER_BROKEN };

/* Reads raw: sets status and body as far as they are known already. */
enum verdict answer_read(struct answer *a);

#endif
