/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenMetrics text 1.0: of each family its type, unit and help, then its
 * samples; counters end in _total; the last line is # EOF. Counters and
 * gauges without labels are there from the start, as 0.
 */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/metrics/private.h"
#include "host/textbuf.h"

static const char *const type_words[] = {
	[METRIC_TYPE_COUNTER] = "counter",
	[METRIC_TYPE_GAUGE] = "gauge",
	[METRIC_TYPE_HISTOGRAM] = "histogram",
	[METRIC_TYPE_INFO] = "info",
};

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && strcmp(text + len - end_len, end) == 0;
}

static void put_head(struct textbuf *b, const struct metric_info *info)
{
	textbuf_printf(b, "# TYPE %s %s\n", info->family,
		       type_words[info->type]);
	if (ends_in(info->family, "_seconds"))
		textbuf_printf(b, "# UNIT %s seconds\n", info->family);
	if (ends_in(info->family, "_bytes"))
		textbuf_printf(b, "# UNIT %s bytes\n", info->family);
	textbuf_printf(b, "# HELP %s %s\n", info->family, info->help);
}

static void put_number(struct textbuf *b, double v)
{
	/* As far as a double counts one by one. */
	if (v == floor(v) && fabs(v) < 9e15)
		textbuf_printf(b, " %.0f\n", v);
	else
		textbuf_printf(b, " %.17g\n", v);
}

/* Names of functions are harmless; who says so is not asked here. */
static void put_value(struct textbuf *b, const char *value)
{
	for (const char *p = value; *p; p++) {
		if (*p == '"' || *p == '\\')
			textbuf_printf(b, "\\%c", *p);
		else
			textbuf_bytes(b, *p < ' ' || *p > '~' ? "?" : p, 1);
	}
}

/* name="value" of each, without braces; how many. */
static unsigned put_labels(struct textbuf *b, const char *names,
			   char *const values[METRICS_LABELS_MAX])
{
	unsigned count = 0;

	while (*names) {
		size_t len = strcspn(names, ",");

		textbuf_printf(b, "%s%.*s=\"", count ? "," : "", (int)len,
			       names);
		put_value(b, values[count]);
		textbuf_text(b, "\"");
		names += len + (names[len] == ',');
		count++;
	}
	return count;
}

static void put_sample(struct textbuf *b, const struct metric_info *info,
		       const struct series *s, const char *suffix)
{
	textbuf_printf(b, "%s%s", info->family, suffix);
	if (info->labels[0]) {
		textbuf_text(b, "{");
		put_labels(b, info->labels, s->values);
		textbuf_text(b, "}");
	}
}

static void put_bucket(struct textbuf *b, const struct metric_info *info,
		       const struct series *s, unsigned i)
{
	textbuf_printf(b, "%s_bucket{", info->family);
	if (put_labels(b, info->labels, s->values))
		textbuf_text(b, ",");
	if (i == METRICS_BUCKETS)
		textbuf_text(b, "le=\"+Inf\"}");
	else if (metrics_bounds[i] == floor(metrics_bounds[i]))
		textbuf_printf(b, "le=\"%.1f\"}", metrics_bounds[i]);
	else
		textbuf_printf(b, "le=\"%g\"}", metrics_bounds[i]);
}

static void put_histogram(struct textbuf *b, const struct metric_info *info,
			  const struct series *s)
{
	uint64_t count = 0;

	for (unsigned i = 0; i <= METRICS_BUCKETS; i++) {
		count += s->buckets[i];
		put_bucket(b, info, s, i);
		put_number(b, (double)count);
	}
	put_sample(b, info, s, "_sum");
	put_number(b, s->value);
	put_sample(b, info, s, "_count");
	put_number(b, (double)count);
}

static const char *suffix_of(enum metric_type type)
{
	return type == METRIC_TYPE_COUNTER ? "_total" :
	       type == METRIC_TYPE_INFO	   ? "_info" :
					     "";
}

static void put_family(struct textbuf *b, struct metrics *m, enum metric id)
{
	const struct metric_info *info = metric_info(id);
	struct list *all = &m->series[id], *at;

	put_head(b, info);
	if (list_empty(all) && !info->labels[0])
		textbuf_printf(b, "%s%s 0\n", info->family,
			       suffix_of(info->type));
	list_for_each(at, all) {
		const struct series *s = container_of(at, struct series, node);

		if (info->type == METRIC_TYPE_HISTOGRAM) {
			put_histogram(b, info, s);
			continue;
		}
		put_sample(b, info, s, suffix_of(info->type));
		put_number(b, s->value);
	}
}

char *metrics_render(struct metrics *m, size_t *ret_len)
{
	struct textbuf b = { 0 };
	struct list *at;

	process_metrics_collect(m);
	list_for_each(at, &m->sources) {
		struct metrics_source *s =
			container_of(at, struct metrics_source, node);

		s->collect(s, m);
	}
	for (unsigned id = 0; id < METRIC_COUNT; id++)
		put_family(&b, m, (enum metric)id);
	textbuf_text(&b, "# EOF\n");
	return textbuf_take(&b, ret_len);
}
