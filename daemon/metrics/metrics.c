/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples are in one hash table, by metric and labels, and for each metric in
 * the order in which they came, which is the order of the text. The number of
 * functions is bounded here and nowhere else: all other labels are words of
 * ours.
 */
#include "daemon/metrics/metrics.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/metrics/private.h"

#define OTHER "~other"

static const struct metric_info infos[] = {
#define METRIC(name, family, type, labels, help) \
	[METRIC_##name] = { family, METRIC_TYPE_##type, labels, help },
#include "daemon/metrics/metrics.def"
#undef METRIC
};

const double metrics_bounds[METRICS_BUCKETS] = {
	0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
	0.1,	0.25,	 0.5,	 1.0,	2.5,	5.0,   10.0, 30.0,  60.0,
};

const struct metric_info *metric_info(enum metric id)
{
	return &infos[id];
}

int metrics_new(struct metrics **ret)
{
	struct metrics *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	for (int i = 0; i < METRIC_COUNT; i++)
		list_init(&m->series[i]);
	list_init(&m->sources);
	process_metrics_init(m);
	*ret = m;
	return 0;
}

/* ---- samples ------------------------------------------------------------- */

static const char *value_of(const struct metric_labels *labels, unsigned i)
{
	return labels->values[i] ? labels->values[i] : "";
}

/* FNV-1a, with the NULs. */
static uint32_t hash(enum metric id, struct metric_labels labels)
{
	uint32_t h = 2166136261u ^ (uint32_t)id;

	for (unsigned i = 0; i < METRICS_LABELS_MAX; i++) {
		const char *p = value_of(&labels, i);

		do {
			h = (h ^ (uint8_t)*p) * 16777619u;
		} while (*p++);
	}
	return h;
}

static struct series *find(struct metrics *m, enum metric id,
			   struct metric_labels labels, uint32_t h)
{
	struct series *s = m->table[h % METRICS_TABLE];

	while (s && (s->hash != h || s->id != id ||
		     strcmp(s->values[0], value_of(&labels, 0)) != 0 ||
		     strcmp(s->values[1], value_of(&labels, 1)) != 0))
		s = s->next;
	return s;
}

static void series_free(struct metrics *m, struct series *s)
{
	struct series **at = &m->table[s->hash % METRICS_TABLE];

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	list_del(&s->node);
	for (unsigned i = 0; i < METRICS_LABELS_MAX; i++)
		free(s->values[i]);
	free(s->buckets);
	free(s);
}

static struct series *series_new(struct metrics *m, enum metric id,
				 struct metric_labels labels, uint32_t h)
{
	struct series *s = calloc(1, sizeof(*s));
	bool complete;

	if (!s)
		return NULL;
	for (unsigned i = 0; i < METRICS_LABELS_MAX; i++)
		s->values[i] = strdup(value_of(&labels, i));
	if (infos[id].type == METRIC_TYPE_HISTOGRAM)
		s->buckets = calloc(METRICS_BUCKETS + 1, sizeof(*s->buckets));
	complete = s->values[0] && s->values[1] &&
		   (s->buckets || infos[id].type != METRIC_TYPE_HISTOGRAM);
	s->id = id;
	s->hash = h;
	s->next = m->table[h % METRICS_TABLE];
	m->table[h % METRICS_TABLE] = s;
	list_add_tail(&m->series[id], &s->node);
	if (complete)
		return s;
	series_free(m, s);
	return NULL;
}

static bool has_function(enum metric id)
{
	return strncmp(infos[id].labels, "function", 8) == 0;
}

/* True if the function has a place, or gets one. */
static bool admit(struct metrics *m, const char *function)
{
	for (unsigned i = 0; i < m->function_count; i++)
		if (strcmp(m->functions[i], function) == 0)
			return true;
	if (strcmp(function, OTHER) == 0)
		return true;
	if (m->function_count == METRICS_VALUES_MAX)
		return false;
	m->functions[m->function_count] = strdup(function);
	if (!m->functions[m->function_count])
		return false;
	m->function_count++;
	return true;
}

/* NULL: there is no memory, the sample is not counted. */
static struct series *series_of(struct metrics *m, enum metric id,
				struct metric_labels labels)
{
	uint32_t h = hash(id, labels);
	struct series *s = find(m, id, labels, h);

	if (s)
		return s;
	if (!has_function(id) || admit(m, value_of(&labels, 0)))
		return series_new(m, id, labels, h);
	metrics_add(m, METRIC_OVERFLOWS, NO_LABELS, 1);
	return series_of(m, id, LABELS(OTHER, labels.values[1]));
}

void metrics_add(struct metrics *m, enum metric id, struct metric_labels labels,
		 double by)
{
	struct series *s = series_of(m, id, labels);

	if (s)
		s->value += by;
}

void metrics_set(struct metrics *m, enum metric id, struct metric_labels labels,
		 double value)
{
	struct series *s = series_of(m, id, labels);

	if (s)
		s->value = value;
}

void metrics_observe(struct metrics *m, enum metric id,
		     struct metric_labels labels, double value)
{
	struct series *s = series_of(m, id, labels);
	unsigned i = 0;

	if (!s || !s->buckets)
		return;
	while (i < METRICS_BUCKETS && value > metrics_bounds[i])
		i++;
	s->buckets[i]++;
	s->value += value;
}

/* ---- what goes ----------------------------------------------------------- */

void metrics_clear(struct metrics *m, enum metric id)
{
	while (!list_empty(&m->series[id]))
		series_free(m, container_of(m->series[id].next, struct series,
					    node));
}

void metrics_forget(struct metrics *m, const char *function)
{
	struct list *at, *next;

	for (unsigned id = 0; id < METRIC_COUNT; id++) {
		if (!has_function((enum metric)id))
			continue;
		list_for_each_safe(at, next, &m->series[id]) {
			struct series *s =
				container_of(at, struct series, node);

			if (strcmp(s->values[0], function) == 0)
				series_free(m, s);
		}
	}
	for (unsigned i = 0; i < m->function_count; i++) {
		if (strcmp(m->functions[i], function) != 0)
			continue;
		free(m->functions[i]);
		m->functions[i] = m->functions[--m->function_count];
		return;
	}
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	for (unsigned id = 0; id < METRIC_COUNT; id++)
		metrics_clear(m, (enum metric)id);
	for (unsigned i = 0; i < m->function_count; i++)
		free(m->functions[i]);
	/* They may live on. */
	while (list_pop_head(&m->sources))
		;
	free(m);
}

const char *metrics_class(unsigned status)
{
	static const char *const classes[] = { "none", "1xx", "2xx",
					       "3xx",  "4xx", "5xx" };

	return status >= 100 && status < 600 ? classes[status / 100] :
					       classes[0];
}

void metrics_source_add(struct metrics *m, struct metrics_source *s)
{
	list_add_tail(&m->sources, &s->node);
}

void metrics_source_remove(struct metrics_source *s)
{
	if (s->node.next)
		list_del(&s->node);
}
