/* SPDX-License-Identifier: Apache-2.0 */
/* mayfly bench start: from a request to its answer, by every way there is. */
#ifndef CLI_BENCH_START_H
#define CLI_BENCH_START_H

#include <stdbool.h>
#include <stdint.h>

#include "host/err.h"

struct bench_start {
	const char *path; /* of the snapshot */
	char **bare; /* a command that is the program itself, or NULL */
	const char *url; /* the path that is asked for */
	unsigned runs; /* of each way */
	uint16_t port; /* the guest's; 0: the image's first */
	uint16_t bare_port; /* of the bare command; 0: what PORT tells it */
	uint64_t seconds; /* of one request after the other */
	bool json; /* every sample, in nanoseconds */
};

/* Measures and prints to stdout. */
int bench_start(const struct bench_start *o, struct err *e);

#endif
