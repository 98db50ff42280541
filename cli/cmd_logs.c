/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly logs: what the instances of a function wrote. Lines go where the
 * program wrote them, stdout or stderr; those of the platform to stderr.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/grid.h"
#include "cli/platform.h"
#include "cli/query.h"
#include "cli/talk.h"
#include "host/cleanup.h"

enum {
	OPT_FOLLOW = 10,
	OPT_SINCE,
	OPT_GREP,
	OPT_TAIL,
	OPT_INSTANCE,
	OPT_REQUEST,
	OPT_TIME,
	OPT_JSON,
};

static const struct opt opts[] = {
	{ OPT_FOLLOW, 'f', "follow", NULL, "and what comes from now on" },
	{ OPT_SINCE, 0, "since", "TIME", "as 10m ago, or 2026-11-21T10:00" },
	{ OPT_GREP, 0, "grep", "TEXT", "lines that have this text" },
	{ OPT_TAIL, 'n', "tail", "N", "the last N lines" },
	{ OPT_INSTANCE, 0, "instance", "ID", "lines of this instance" },
	{ OPT_REQUEST, 0, "request", "ID", "lines of this request" },
	{ OPT_TIME, 't', "timestamps", NULL, "with time and instance" },
	{ OPT_JSON, 0, "json", NULL, "lines of JSON" },
	{ 0 },
};

struct logs {
	struct query query;
	bool follow, times, json;
};

static int take(void *arg, int id, const char *value, struct err *e)
{
	struct logs *l = arg;

	switch (id) {
	case OPT_FOLLOW:
		l->follow = true;
		return query_add(&l->query, "follow", "1", e);
	case OPT_SINCE:
		return query_add_time(&l->query, "since", value, e);
	case OPT_GREP:
		return query_add(&l->query, "grep", value, e);
	case OPT_TAIL:
		return query_add_number(&l->query, "tail", value, e);
	case OPT_INSTANCE:
		return query_add(&l->query, "instance", value, e);
	case OPT_REQUEST:
		return query_add(&l->query, "request", value, e);
	case OPT_TIME:
		l->times = true;
		return 0;
	default:
		l->json = true;
		return 0;
	}
}

/* What a terminal would obey: C0, DEL, and C1 in UTF-8. */
static size_t control_len(const unsigned char *s, size_t left)
{
	if ((s[0] < 0x20 && s[0] != '\t') || s[0] == 0x7f)
		return 1;
	return left > 1 && s[0] == 0xc2 && s[1] < 0xa0 ? 2 : 0;
}

/* As the program wrote it; but its terminal is not this one. */
static void put_text(FILE *to, const json_t *text)
{
	const unsigned char *s = (const unsigned char *)json_string_value(text);
	size_t len = json_string_length(text), n;

	if (!isatty(fileno(to))) {
		fwrite(s, 1, len, to);
		return;
	}
	for (size_t i = 0; i < len; i += n ? n : 1) {
		n = control_len(s + i, len - i);
		putc(n ? '?' : s[i], to);
	}
}

static int on_line(void *arg, const char *line)
{
	const struct logs *l = arg;
	json_t *o = l->json ? NULL : json_loads(line, JSON_ALLOW_NUL, NULL);
	FILE *to = strcmp(grid_text(o, "stream"), "stdout") == 0 || l->json ?
			   stdout :
			   stderr;

	if (l->times)
		fprintf(to, "%s %.12s ", grid_text(o, "ts"),
			grid_text(o, "instance"));
	if (strcmp(grid_text(o, "stream"), "platform") == 0)
		fputs("mayfly: ", to);
	if (o)
		put_text(to, json_object_get(o, "text"));
	else
		fputs(line, to);
	putc('\n', to);
	json_decref(o);
	if (l->follow)
		fflush(to);
	return ferror(to) ? -EPIPE : 0;
}

static int on_data(void *arg, const char *data, size_t len)
{
	return talk_lines_add(arg, data, len);
}

static int show(struct logs *l, const char *name, struct err *e)
{
	AUTO_FREE char *path = NULL, *more = NULL;
	struct talk_lines lines = { .line = on_line, .arg = l };
	struct talk t = { .method = "GET",
			  .body_fd = -1,
			  .data = on_data,
			  .arg = &lines,
			  .patient = true };
	struct talk_answer a = { 0 };
	int r;

	if (asprintf(&more, "/logs%s", l->query.text) < 0) {
		more = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	t.path = path = platform_path("functions", name, more, e);
	if (!path)
		return -e->code;
	*e = (struct err){ .text = "cannot write to standard output" };
	r = talk(&t, &a, e);
	talk_answer_fini(&a);
	talk_lines_fini(&lines);
	return r;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	static struct logs l;
	struct platform_words w = { .min = 1,
				    .max = 1,
				    .what = "the name of a function",
				    .option = take,
				    .arg = &l };
	struct err e;
	int r, status;

	if (platform_parse(cmd, argc, argv, &w, &status) == 0) {
		r = show(&l, w.words[0], &e);
		status = r < 0 ? platform_fail(r, &e) : STATUS_OK;
	}
	return status;
}

const struct cmd cmd_logs = {
	.name = "logs",
	.usage = "[OPTIONS] NAME",
	.summary = "Show what the instances of a function write",
	.opts = opts,
	.run = run,
};
