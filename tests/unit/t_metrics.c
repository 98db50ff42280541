/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics: samples are counted where they belong, the text is OpenMetrics by
 * a strict reader (tests/openmetrics_check.py), and docs/metrics.md has every
 * metric and no other.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/metrics/metrics.h"
#include "host/textbuf.h"
#include "tests/unit/check.h"

static struct metrics *m;

static void check_has(const char *line)
{
	size_t len;
	char *text = metrics_render(m, &len);
	char *at;

	check(text != NULL);
	check_int(strlen(text), len);
	at = strstr(text, line);
	if (!at || (at != text && at[-1] != '\n') || at[strlen(line)] != '\n') {
		printf("no line \"%s\"\n", line);
		free(text);
		check_fail();
	}
	free(text);
}

static bool has(const char *words)
{
	char *text = metrics_render(m, NULL);
	bool found = strstr(text, words) != NULL;

	free(text);
	return found;
}

static void test_counters(void)
{
	metrics_add(m, METRIC_REQUESTS, LABELS("f", "2xx"), 1);
	metrics_add(m, METRIC_REQUESTS, LABELS("f", "2xx"), 2);
	metrics_add(m, METRIC_REQUESTS, LABELS("f", "5xx"), 1);
	check_has("mayfly_requests_total{function=\"f\",class=\"2xx\"} 3");
	check_has("mayfly_requests_total{function=\"f\",class=\"5xx\"} 1");
	metrics_add(m, METRIC_INSTANCE_CPU, LABELS("f"), 0.25);
	check_has("mayfly_instance_cpu_seconds_total{function=\"f\"} 0.25");
	/* There from the start. */
	check_has("mayfly_bad_requests_total 0");
	check_has("mayfly_ledger_failing 0");
}

static void test_gauges(void)
{
	metrics_set(m, METRIC_INSTANCES, LABELS("f", "ready"), 3);
	metrics_set(m, METRIC_INSTANCES, LABELS("f", "ready"), 2);
	check_has("mayfly_instances{function=\"f\",state=\"ready\"} 2");
	metrics_clear(m, METRIC_INSTANCES);
	check(!has("mayfly_instances{"));
}

static void test_histograms(void)
{
	metrics_observe(m, METRIC_QUEUE_SECONDS, LABELS("f"), 0.0001);
	metrics_observe(m, METRIC_QUEUE_SECONDS, LABELS("f"), 0.0002);
	metrics_observe(m, METRIC_QUEUE_SECONDS, LABELS("f"), 1000);
	check_has("mayfly_queue_wait_seconds_bucket"
		  "{function=\"f\",le=\"0.0001\"} 1");
	check_has("mayfly_queue_wait_seconds_bucket"
		  "{function=\"f\",le=\"0.00025\"} 2");
	check_has("mayfly_queue_wait_seconds_bucket"
		  "{function=\"f\",le=\"60.0\"} 2");
	check_has("mayfly_queue_wait_seconds_bucket"
		  "{function=\"f\",le=\"+Inf\"} 3");
	check_has("mayfly_queue_wait_seconds_count{function=\"f\"} 3");
	check(has("mayfly_queue_wait_seconds_sum{function=\"f\"} 1000.0003"));
}

static void test_forget(void)
{
	metrics_add(m, METRIC_RESETS, LABELS("gone"), 1);
	check(has("\"gone\""));
	metrics_forget(m, "gone");
	metrics_forget(m, "gone");
	check(!has("\"gone\""));
	check(has("function=\"f\""));
}

static void test_too_many_functions(void)
{
	char name[16];

	for (unsigned i = 0; i < METRICS_VALUES_MAX + 50; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		metrics_add(m, METRIC_RESETS, LABELS(name), 1);
	}
	check(has("mayfly_resets_total{function=\"~other\"} 52\n"));
	check(has("mayfly_metrics_overflows_total 52\n"));
	/* Room that becomes free is used. */
	metrics_forget(m, "f0");
	metrics_add(m, METRIC_RESETS, LABELS("later"), 1);
	check_has("mayfly_resets_total{function=\"later\"} 1");
}

static void test_classes(void)
{
	check_str(metrics_class(0), "none");
	check_str(metrics_class(204), "2xx");
	check_str(metrics_class(599), "5xx");
	check_str(metrics_class(600), "none");
}

static void collect(struct metrics_source *s, struct metrics *of)
{
	(void)s;
	metrics_set(of, METRIC_FUNCTIONS, NO_LABELS, 7);
}

static void test_sources(void)
{
	struct metrics_source s = { .collect = collect };

	metrics_source_add(m, &s);
	check_has("mayfly_functions 7");
	metrics_source_remove(&s);
	check(has("process_open_fds "));
	check(!has("process_resident_memory_bytes 0\n"));
	check_has("mayfly_build_info{version=\"" MF_VERSION "\"} 1");
}

static void test_hostile_labels(void)
{
	metrics_add(m, METRIC_RESETS, LABELS("a\"b\\c\nd\xff"), 1);
	check_has("mayfly_resets_total{function=\"a\\\"b\\\\c?d?\"} 1");
}

/* By a program that knows nothing of ours. */
static void test_is_openmetrics(void)
{
	char command[4096];
	size_t len;
	char *text = metrics_render(m, &len);
	FILE *f = fopen("metrics.txt", "w");
	pid_t pid;
	int status;

	check(f != NULL && getenv("SRC") != NULL);
	check_int(fwrite(text, 1, len, f), len);
	check_int(fclose(f), 0);
	free(text);
	snprintf(command, sizeof(command), "%s/tests/openmetrics_check.py",
		 getenv("SRC"));
	pid = fork();
	if (pid == 0) {
		execlp("python3", "python3", command, "metrics.txt", NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	check_int(status, 0);
}

/* ---- docs/metrics.md ----------------------------------------------------- */

static const char *const type_words[] = { "counter", "gauge", "histogram",
					  "info" };

static void test_is_documented(void)
{
	AUTO_TEXTBUF struct textbuf doc = { 0 };
	AUTO_TEXTBUF struct textbuf row = { 0 };
	char path[4096], buf[2048];
	unsigned rows = 0;
	size_t n;
	FILE *f;

	check(getenv("SRC") != NULL);
	snprintf(path, sizeof(path), "%s/docs/metrics.md", getenv("SRC"));
	f = fopen(path, "r");
	check(f != NULL);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		textbuf_bytes(&doc, buf, n);
	fclose(f);
	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		const struct metric_info *info = metric_info(i);

		textbuf_clear(&row);
		textbuf_printf(&row, "\n| `%s` | %s | %s | %s |\n",
			       info->family, type_words[info->type],
			       info->labels, info->help);
		if (!strstr(doc.data, row.data)) {
			printf("docs/metrics.md has no row%s", row.data);
			check_fail();
		}
	}
	for (char *at = doc.data; (at = strstr(at, "\n| `")); at++)
		rows++;
	check_int(rows, METRIC_COUNT);
}

int main(void)
{
	check_int(metrics_new(&m), 0);
	RUN(test_counters);
	RUN(test_gauges);
	RUN(test_histograms);
	RUN(test_forget);
	RUN(test_hostile_labels);
	RUN(test_too_many_functions);
	RUN(test_classes);
	RUN(test_sources);
	RUN(test_is_openmetrics);
	RUN(test_is_documented);
	metrics_free(m);
	return check_done();
}
