/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs: any bytes become lines of JSON; rotation, rates and full disks; and
 * readers see every line that is kept, once and in order.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/logs/access.h"
#include "daemon/logs/logs.h"
#include "host/textbuf.h"
#include "tests/unit/check.h"

static struct loop *loop;
static struct logs *logs;
static char dir[64];
static char buf[LOG_RECORD_MAX];
static const struct log_source source = { .function = "f",
					  .version = 2,
					  .instance = "0123",
					  .request = "r1",
					  .stream = "stdout" };

static void open_logs(const struct logs_limits *limits)
{
	struct err e = { .text = "" };

	snprintf(dir, sizeof(dir), "./logs-XXXXXX");
	check(mkdtemp(dir) != NULL);
	check_int(logs_open(&logs, dir, loop, limits, &e), 0);
}

static void line(const char *text)
{
	logs_line(logs, &source, text, strlen(text));
}

struct reading {
	struct log_reader reader;
	unsigned mores;
	bool more;
};

static void on_more(struct log_reader *r)
{
	struct reading *g = container_of(r, struct reading, reader);

	g->mores++;
	g->more = true;
}

static void open_reader(struct reading *g, const struct log_query *q)
{
	struct err e = { .text = "" };

	*g = (struct reading){ .reader.more = on_more };
	check_int(log_reader_open(&g->reader, logs, q, &e), 0);
}

/* Everything until the end, or until nothing more is there. */
static void read_all(struct reading *g, struct textbuf *b, bool follow)
{
	ssize_t n;

	textbuf_clear(b);
	for (;;) {
		g->more = false;
		n = log_reader_next(&g->reader, buf, sizeof(buf));
		if (n > 0)
			textbuf_bytes(b, buf, (size_t)n);
		else if (n == 0)
			return;
		else
			check_int(n, -EAGAIN);
		if (n < 0 && !g->more)
			loop_once(loop, follow ? 0 : 1000);
		if (n < 0 && follow && !g->more)
			return;
	}
}

static void read_log(struct textbuf *b, const struct log_query *q)
{
	struct reading g;

	open_reader(&g, q);
	read_all(&g, b, false);
	log_reader_close(&g.reader);
}

/* The n-th line as JSON; the caller's. */
static json_t *nth(const struct textbuf *b, unsigned n)
{
	const char *at = b->data;
	json_t *j;

	while (n--)
		at = strchr(at, '\n') + 1;
	j = json_loadb(at, strcspn(at, "\n"), JSON_ALLOW_NUL, NULL);
	check(j != NULL);
	return j;
}

static const char *text_at(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static unsigned count_lines(const struct textbuf *b)
{
	unsigned count = 0;

	for (size_t i = 0; i < b->len; i++)
		count += b->data[i] == '\n';
	return count;
}

/* ---- writing ------------------------------------------------------------- */

static void test_a_line(void)
{
	AUTO_TEXTBUF struct textbuf b = { 0 };
	struct log_query q = { .function = "f" };
	json_t *j;

	open_logs(NULL);
	line("hello \"you\"\x1b[31m\xff");
	logs_say(logs, &source, "denied: %s", "example.org");
	read_log(&b, &q);
	check_int(count_lines(&b), 2);
	j = nth(&b, 0);
	check_int(strlen(text_at(j, "ts")), 24);
	check_str(text_at(j, "function"), "f");
	check_int(json_integer_value(json_object_get(j, "version")), 2);
	check_str(text_at(j, "instance"), "0123");
	check_str(text_at(j, "request"), "r1");
	check_str(text_at(j, "stream"), "stdout");
	check_str(text_at(j, "text"), "hello \"you\"\x1b[31m\xef\xbf\xbd");
	check(strchr(b.data, 0x1b) == NULL);
	json_decref(j);
	j = nth(&b, 1);
	check_str(text_at(j, "stream"), "platform");
	check_str(text_at(j, "text"), "denied: example.org");
	json_decref(j);
	logs_close(logs);
}

/* What it still says does not come before what the next one of its name
 * says. */
static void test_function_is_gone(void)
{
	AUTO_TEXTBUF struct textbuf b = { 0 };
	struct log_source s = source;
	char path[100];
	bool gone = false;

	open_logs(NULL);
	s.gone = &gone;
	logs_line(logs, &s, "before", 6);
	logs_flush(logs);
	snprintf(path, sizeof(path), "%s/logs/f.log", dir);
	check_int(access(path, F_OK), 0);
	gone = true;
	logs_remove(logs, "f");
	logs_line(logs, &s, "after", 5);
	logs_say(logs, &s, "after");
	logs_flush(logs);
	check_int(access(path, F_OK), -1);
	line("the next one");
	logs_flush(logs);
	read_log(&b, &(struct log_query){ .function = "f" });
	check(strstr(b.data, "the next one"));
	check(!strstr(b.data, "after"));
	logs_close(logs);
}

static void test_names(void)
{
	struct log_reader r = { 0 };
	struct log_query q = { .function = "../f" };
	struct err e;

	open_logs(NULL);
	check_int(log_reader_open(&r, logs, &q, &e), -ENOENT);
	check_str(e.text, "there is no log of ../f");
	q.function = "";
	check_int(log_reader_open(&r, logs, &q, &e), -ENOENT);
	log_reader_close(&r);
	logs_close(logs);
}

static unsigned files_in_logs(void)
{
	char path[128];
	unsigned count = 0;

	for (unsigned i = 0; i < 10; i++) {
		if (i)
			snprintf(path, sizeof(path), "%s/logs/f.log.%u", dir,
				 i);
		else
			snprintf(path, sizeof(path), "%s/logs/f.log", dir);
		count += access(path, F_OK) == 0;
	}
	return count;
}

static void test_rotation(void)
{
	struct logs_limits limits = { .file_bytes_max = 2000, .files_max = 3 };
	AUTO_TEXTBUF struct textbuf b = { 0 };
	struct log_query q = { .function = "f" };
	char text[32];
	json_t *j;

	open_logs(&limits);
	for (unsigned i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "%u", i);
		line(text);
		logs_flush(logs);
	}
	check_int(files_in_logs(), 3);
	read_log(&b, &q);
	check(count_lines(&b) > 20 && count_lines(&b) < 60);
	j = nth(&b, count_lines(&b) - 1);
	check_str(text_at(j, "text"), "199");
	json_decref(j);
	logs_remove(logs, "f");
	check_int(files_in_logs(), 0);
	logs_close(logs);
}

static void test_rate(void)
{
	struct logs_limits limits = { .lines_per_s = 1, .lines_burst = 5 };
	AUTO_TEXTBUF struct textbuf b = { 0 };
	struct log_query q = { .function = "f" };
	json_t *j;

	open_logs(&limits);
	for (unsigned i = 0; i < 100; i++)
		line("again");
	check_int(logs_dropped(logs), 95);
	for (unsigned i = 0; i < 3; i++)
		loop_once(loop, 1100);
	read_log(&b, &q);
	check_int(count_lines(&b), 6);
	j = nth(&b, 5);
	check_str(text_at(j, "stream"), "platform");
	check_str(text_at(j, "text"),
		  "95 lines dropped: more than 1 lines or 1048576 bytes a "
		  "second");
	json_decref(j);
	logs_close(logs);
}

static void test_metrics(void)
{
	struct logs_limits limits = { .lines_per_s = 1, .lines_burst = 2 };
	struct metrics *m;
	char *text;

	open_logs(&limits);
	check_int(metrics_new(&m), 0);
	logs_set_metrics(logs, m);
	for (unsigned i = 0; i < 5; i++)
		line("again");
	text = metrics_render(m, NULL);
	check(strstr(text, "mayfly_log_lines_total{function=\"f\"} 2\n"));
	check(strstr(text, "mayfly_log_lines_dropped_total"
			   "{function=\"f\"} 3\n"));
	free(text);
	metrics_free(m);
	logs_close(logs);
}

static void test_full_disk(void)
{
	AUTO_TEXTBUF struct textbuf b = { 0 };
	struct log_query q = { .function = "f" };
	struct rlimit r;

	open_logs(NULL);
	line("before");
	logs_flush(logs);
	getrlimit(RLIMIT_FSIZE, &r);
	r.rlim_cur = 200;
	check_int(setrlimit(RLIMIT_FSIZE, &r), 0);
	line("a line that has no room");
	line("nor has this");
	logs_flush(logs);
	r.rlim_cur = r.rlim_max;
	check_int(setrlimit(RLIMIT_FSIZE, &r), 0);
	check_int(logs_unwritten(logs), 2);
	line("after");
	read_log(&b, &q);
	check_int(count_lines(&b), 2);
	check(strstr(b.data, "before") && strstr(b.data, "after"));
	logs_close(logs);
}

static void test_access_log(void)
{
	struct access_entry e = {
		.time_ms = 1795292789123,
		.request = "r1",
		.client = "127.0.0.1",
		.method = "GET",
		.path = "/fn/f/\x01?\"",
		.status = 200,
		.bytes_out = 20,
		.duration_us = 900,
		.queue_us = 400,
		.function = "f",
		.version = 3,
		.instance = "0123",
		.start = "copy",
	};
	AUTO_TEXTBUF struct textbuf b = { 0 };
	char path[128];
	json_t *j;

	open_logs(NULL);
	access_log(logs, &e);
	e = (struct access_entry){ .status = 400, .error = "no request" };
	access_log(logs, &e);
	logs_close(logs);
	snprintf(path, sizeof(path), "%s/access.log", dir);
	textbuf_clear(&b);
	FILE *f = fopen(path, "r");
	check(f != NULL);
	textbuf_bytes(&b, buf, fread(buf, 1, sizeof(buf), f));
	fclose(f);
	check_int(count_lines(&b), 2);
	j = nth(&b, 0);
	check_str(text_at(j, "ts"), "2026-11-21T20:26:29.123Z");
	check_str(text_at(j, "path"), "/fn/f/\x01?\"");
	check_str(text_at(j, "start"), "copy");
	check_int(json_integer_value(json_object_get(j, "queue_us")), 400);
	check_ptr(json_object_get(j, "error"), NULL);
	json_decref(j);
	j = nth(&b, 1);
	check_int(json_integer_value(json_object_get(j, "status")), 400);
	check_str(text_at(j, "error"), "no request");
	check_ptr(json_object_get(j, "function"), NULL);
	json_decref(j);
}

/* ---- pipes --------------------------------------------------------------- */

static unsigned ends;

static void on_ended(struct log_pipe *p)
{
	(void)p;
	ends++;
}

static int new_pipe(struct log_pipe *p)
{
	int fds[2];

	check_int(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	*p = (struct log_pipe){ .source = source, .ended = on_ended };
	check_int(log_pipe_open(p, loop, logs, fds[0]), 0);
	return fds[1];
}

static void put(int fd, const char *text)
{
	check_int(write(fd, text, strlen(text)), strlen(text));
}

static void test_pipe(void)
{
	AUTO_TEXTBUF struct textbuf b = { 0 };
	struct log_query q = { .function = "f" };
	struct log_pipe p;
	json_t *j;
	int fd;

	open_logs(NULL);
	fd = new_pipe(&p);
	put(fd, "one\n\ntw");
	loop_once(loop, 0);
	put(fd, "o\nthr");
	loop_once(loop, 0);
	log_pipe_flush(&p);
	p.source.request = "r2";
	put(fd, "four");
	close(fd);
	ends = 0;
	while (!ends)
		loop_once(loop, 1000);
	log_pipe_close(&p);
	read_log(&b, &q);
	check_int(count_lines(&b), 5);
	static const char *const want[] = { "one", "", "two", "thr", "four" };
	for (unsigned i = 0; i < 5; i++) {
		j = nth(&b, i);
		check_str(text_at(j, "text"), want[i]);
		check_str(text_at(j, "request"), i == 4 ? "r2" : "r1");
		json_decref(j);
	}
	logs_close(logs);
}

static void test_long_lines_are_parted(void)
{
	static char text[3 * LOG_TEXT_MAX / 2];
	AUTO_TEXTBUF struct textbuf b = { 0 };
	struct log_query q = { .function = "f" };
	struct log_pipe p;
	json_t *j;
	int fd;

	open_logs(NULL);
	fd = new_pipe(&p);
	memset(text, 'x', sizeof(text) - 1);
	put(fd, text);
	put(fd, "\nshort\n");
	close(fd);
	log_pipe_close(&p);
	read_log(&b, &q);
	check_int(count_lines(&b), 3);
	j = nth(&b, 0);
	check(json_is_true(json_object_get(j, "cut")));
	check_int(strlen(text_at(j, "text")), LOG_TEXT_MAX);
	json_decref(j);
	j = nth(&b, 1);
	check_ptr(json_object_get(j, "cut"), NULL);
	check_int(strlen(text_at(j, "text")), sizeof(text) - 1 - LOG_TEXT_MAX);
	json_decref(j);
	logs_close(logs);
}

/* The worst that fits a pipe: every byte becomes six. */
static void test_pipe_of_rubbish(void)
{
	static char zeros[60000];
	AUTO_TEXTBUF struct textbuf b = { 0 };
	struct log_query q = { .function = "f" };
	struct log_pipe p;
	int fd;

	open_logs(NULL);
	fd = new_pipe(&p);
	check_int(write(fd, zeros, sizeof(zeros)), sizeof(zeros));
	close(fd);
	log_pipe_close(&p);
	log_pipe_close(&p);
	read_log(&b, &q);
	check_int(count_lines(&b), 4);
	json_decref(nth(&b, 0));
	logs_close(logs);
}

static void test_a_flood_is_read_slowly(void)
{
	struct logs_limits limits = { .lines_per_s = 10, .lines_burst = 10 };
	static char text[4096];
	struct log_pipe p;
	int fd;

	open_logs(&limits);
	fd = new_pipe(&p);
	memset(text, '\n', sizeof(text));
	while (write(fd, text, sizeof(text)) > 0)
		;
	loop_once(loop, 0);
	/* It was read once, then left alone for a while. */
	check(logs_dropped(logs) > 0);
	check(p.watch.loop == NULL);
	while (!p.watch.loop)
		loop_once(loop, 1000);
	close(fd);
	log_pipe_close(&p);
	logs_close(logs);
}

/* ---- reading ------------------------------------------------------------- */

static void fill(unsigned count)
{
	struct log_source s = source;
	char text[32];

	for (unsigned i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "line %u", i);
		s.instance = i % 2 ? "odd" : "even";
		s.request = i % 3 ? "r1" : "third";
		logs_line(logs, &s, text, strlen(text));
	}
}

static void check_tail(const struct log_query *q, const char *first,
		       unsigned count)
{
	AUTO_TEXTBUF struct textbuf b = { 0 };
	json_t *j;

	read_log(&b, q);
	check_int(count_lines(&b), count);
	if (!count)
		return;
	j = nth(&b, 0);
	check_str(text_at(j, "text"), first);
	json_decref(j);
}

static void test_queries(void)
{
	struct logs_limits limits = { .file_bytes_max = 20000 };
	struct log_query q = { .function = "f", .tail = 5 };

	open_logs(&limits);
	fill(300);
	check_tail(&q, "line 295", 5);
	q.instance = "odd";
	check_tail(&q, "line 291", 5);
	q.request = "third";
	check_tail(&q, "line 273", 5);
	q = (struct log_query){ .function = "f", .grep = "ne 29" };
	check_tail(&q, "line 29", 11);
	q.grep = "\"text\"";
	check_tail(&q, NULL, 0);
	q = (struct log_query){ .function = "f", .since_ms = 4000000000000 };
	check_tail(&q, NULL, 0);
	q.since_ms = 1;
	check_tail(&q, "line 0", 300);
	q = (struct log_query){ .function = "never" };
	check_tail(&q, NULL, 0);
	logs_close(logs);
}

static void test_follow_through_rotation(void)
{
	struct logs_limits limits = { .file_bytes_max = 3000,
				      .lines_burst = 100000 };
	struct log_query q = { .function = "f", .follow = true };
	AUTO_TEXTBUF struct textbuf b = { 0 };
	struct reading g;
	unsigned next = 0;
	char want[32];
	json_t *j;

	open_logs(&limits);
	open_reader(&g, &q);
	for (unsigned i = 0; i < 500; i++) {
		snprintf(want, sizeof(want), "%u", i);
		line(want);
		if (i % 7)
			continue;
		loop_once(loop, 0);
		read_all(&g, &b, true);
		for (unsigned k = 0; k < count_lines(&b); k++) {
			j = nth(&b, k);
			snprintf(want, sizeof(want), "%u", next++);
			check_str(text_at(j, "text"), want);
			json_decref(j);
		}
	}
	check_int(next, 498 - 498 % 7 + 1);
	check(g.mores > 0);
	log_reader_close(&g.reader);
	log_reader_close(&g.reader);
	logs_close(logs);
}

static void test_follow_ends_with_the_function(void)
{
	struct log_query q = { .function = "f", .follow = true };
	struct reading g;

	open_logs(NULL);
	open_reader(&g, &q);
	check_int(log_reader_next(&g.reader, buf, sizeof(buf)), -EAGAIN);
	logs_remove(logs, "f");
	check(g.more);
	check_int(log_reader_next(&g.reader, buf, sizeof(buf)), 0);
	log_reader_close(&g.reader);
	logs_close(logs);
}

static void test_rubbish_in_a_file(void)
{
	AUTO_TEXTBUF struct textbuf b = { 0 };
	struct log_query q = { .function = "f" };
	static char rubbish[3 * LOG_RECORD_MAX];
	char path[128];
	int fd;

	open_logs(NULL);
	line("first");
	logs_flush(logs);
	snprintf(path, sizeof(path), "%s/logs/f.log", dir);
	fd = open(path, O_WRONLY | O_APPEND);
	check(fd >= 0);
	memset(rubbish, 'x', sizeof(rubbish));
	rubbish[sizeof(rubbish) - 1] = '\n';
	check_int(write(fd, rubbish, sizeof(rubbish)), sizeof(rubbish));
	check_int(write(fd, "{}\n\n", 4), 4);
	close(fd);
	line("second");
	read_log(&b, &q);
	check_int(count_lines(&b), 2);
	check(strstr(b.data, "first") && strstr(b.data, "second"));
	logs_close(logs);
}

static void test_many_functions(void)
{
	struct log_source s = source;
	AUTO_TEXTBUF struct textbuf b = { 0 };
	struct log_query q = { .function = "f7" };
	char name[16];

	open_logs(NULL);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 200; i++) {
			snprintf(name, sizeof(name), "f%u", i);
			s.function = name;
			logs_line(logs, &s, name, strlen(name));
		}
		loop_once(loop, 0);
	}
	read_log(&b, &q);
	check_int(count_lines(&b), 3);
	logs_close(logs);
}

int main(void)
{
	struct err e;

	signal(SIGXFSZ, SIG_IGN);
	check_int(loop_new(&loop, &e), 0);
	RUN(test_a_line);
	RUN(test_function_is_gone);
	RUN(test_names);
	RUN(test_rotation);
	RUN(test_rate);
	RUN(test_metrics);
	RUN(test_full_disk);
	RUN(test_access_log);
	RUN(test_pipe);
	RUN(test_long_lines_are_parted);
	RUN(test_pipe_of_rubbish);
	RUN(test_a_flood_is_read_slowly);
	RUN(test_queries);
	RUN(test_follow_through_rotation);
	RUN(test_follow_ends_with_the_function);
	RUN(test_rubbish_in_a_file);
	RUN(test_many_functions);
	loop_free(loop);
	return check_done();
}
