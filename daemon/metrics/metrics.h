/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts of what happens, as OpenMetrics text. metrics.def has every metric.
 *
 * A sample is found by the values of its labels, in the order of
 * metrics.def. There is room for METRICS_VALUES_MAX functions; beyond that,
 * their samples are counted together as the function "~other". All calls are
 * of the loop's thread; what they cost is a hash of the labels.
 */
#ifndef DAEMON_METRICS_METRICS_H
#define DAEMON_METRICS_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/list.h"

#define METRICS_LABELS_MAX 2u
#define METRICS_VALUES_MAX 500u /* functions */

#define METRICS_CONTENT_TYPE \
	"application/openmetrics-text; version=1.0.0; charset=utf-8"

enum metric {
#define METRIC(name, family, type, labels, help) METRIC_##name,
#include "daemon/metrics/metrics.def"
#undef METRIC
	METRIC_COUNT,
};

enum metric_type {
	METRIC_TYPE_COUNTER,
	METRIC_TYPE_GAUGE,
	METRIC_TYPE_HISTOGRAM,
	METRIC_TYPE_INFO,
};

struct metrics;

/* LABELS("name", "2xx"): values, NULL or left out is "". */
struct metric_labels {
	const char *values[METRICS_LABELS_MAX];
};
#define LABELS(...) ((struct metric_labels){ { __VA_ARGS__ } })
#define NO_LABELS   LABELS(NULL)

int metrics_new(struct metrics **ret);
void metrics_free(struct metrics *m); /* NULL is fine */

/* A counter goes up; `by` is not negative. */
void metrics_add(struct metrics *m, enum metric id, struct metric_labels labels,
		 double by);
/* A gauge is now; or a counter that somebody else counts. */
void metrics_set(struct metrics *m, enum metric id, struct metric_labels labels,
		 double value);
/* A histogram has one more. */
void metrics_observe(struct metrics *m, enum metric id,
		     struct metric_labels labels, double value);
/* The function is gone, its samples too. */
void metrics_forget(struct metrics *m, const char *function);
/* All samples of a gauge, to be set anew. */
void metrics_clear(struct metrics *m, enum metric id);

/* A status as a class: "2xx", "none". */
const char *metrics_class(unsigned status);

/* Somebody who knows values when they are asked for: collect() sets them. */
struct metrics_source {
	void (*collect)(struct metrics_source *s, struct metrics *m);
	struct list node; /* private */
};
void metrics_source_add(struct metrics *m, struct metrics_source *s);
void metrics_source_remove(struct metrics_source *s);

/* OpenMetrics text, malloc'd, of *ret_len bytes and a NUL; NULL: no memory. */
char *metrics_render(struct metrics *m, size_t *ret_len);

/* What a metric is, for tests and documents. */
struct metric_info {
	const char *family;
	enum metric_type type;
	const char *labels;
	const char *help;
};
const struct metric_info *metric_info(enum metric id);

#endif
