/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an instance ended, for people (sentences on stderr), for scripts (the
 * exit status) and for machines (--stats).
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "cli/supervise.h"
#include "image/image.h"
#include "launch/launch.h"

/* The command's own phases, microseconds. */
struct run_times {
	uint64_t open_us; /* main to image opened, verified, loaded */
	uint64_t spawn_us; /* to the monitor running */
	uint64_t total_us; /* main to the end of the instance */
};

struct report {
	const char *name; /* of the program, for sentences */
	const struct image *img;
	const struct run_options *options;
	enum mf_substrate substrate;
	const struct outcome *out;
	bool one_of_many; /* one line, also for an exit nobody asked for */
	struct run_times times;
};

/* Says what is to be said; returns the exit status. */
int report_end(const struct report *r);
/* One JSON object on stderr, one line. */
void report_stats(const struct report *r, int status);

#endif
