/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of daemon/metrics share. */
#ifndef DAEMON_METRICS_PRIVATE_H
#define DAEMON_METRICS_PRIVATE_H

#include "daemon/metrics/metrics.h"

#define METRICS_BUCKETS 18u
#define METRICS_TABLE	4096u

/* Upper bounds of buckets, seconds; behind them is one without. */
extern const double metrics_bounds[METRICS_BUCKETS];

struct series {
	struct list node; /* of its metric */
	struct series *next; /* of its place in the table */
	enum metric id;
	uint32_t hash;
	char *values[METRICS_LABELS_MAX];
	double value; /* of a histogram: the sum */
	uint64_t *buckets; /* of a histogram: METRICS_BUCKETS + 1 */
};

struct metrics {
	struct list series[METRIC_COUNT];
	struct series *table[METRICS_TABLE];
	struct list sources;
	char *functions[METRICS_VALUES_MAX];
	unsigned function_count;
	double started_s; /* realtime */
};

void process_metrics_init(struct metrics *m);
/* Asks the kernel about this process. */
void process_metrics_collect(struct metrics *m);

#endif
