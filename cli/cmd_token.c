/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly token: who may use the API over TCP, and functions that want a
 * token. A new one is all that stdout gets.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/grid.h"
#include "cli/platform.h"
#include "cli/talk.h"
#include "host/cleanup.h"

enum { OPT_INVOKE = 10, OPT_JSON };

static const struct opt opts[] = {
	{ OPT_INVOKE, 0, "invoke", "[=NAME]",
	  "only for requests to functions, or to this one" },
	{ OPT_JSON, 0, "json", NULL, "print JSON" },
	{ 0 },
};

struct token {
	bool invoke, json;
	const char *function;
};

static int take(void *arg, int id, const char *value, struct err *e)
{
	struct token *t = arg;

	(void)e;
	if (id == OPT_JSON) {
		t->json = true;
		return 0;
	}
	t->invoke = true;
	t->function = value;
	return 0;
}

static int list(bool json, struct err *e)
{
	static const char *const titles[] = { "NAME", "ROLE", "FUNCTION", "AGE",
					      NULL };
	AUTO_GRID struct grid g = { 0 };
	AUTO_FREE char *text = NULL;
	char(*row)[GRID_CELL];
	json_t *answer = NULL, *t;
	size_t i;
	int r = talk_json("GET", "/v1/tokens", NULL, &answer, e);

	if (r == 0 && grid_init(&g, titles) < 0)
		r = err_set(e, ENOMEM, "out of memory");
	json_array_foreach(json_object_get(answer, "tokens"), i, t) {
		row = r == 0 ? grid_row(&g) : NULL;
		if (!row)
			break;
		grid_set(row[0], "%s", grid_text(t, "name"));
		grid_set(row[1], "%s", grid_text(t, "role"));
		grid_set(row[2], "%s", grid_text(t, "function"));
		grid_age(row[3], platform_now_ms() - (uint64_t)grid_number(
							     t, "created_ms"));
	}
	text = json_dumps(json_object_get(answer, "tokens"), JSON_INDENT(2));
	if (r == 0 && json)
		puts(text ? text : "[]");
	else if (r == 0)
		grid_print(&g, stdout);
	json_decref(answer);
	return r;
}

static int create(const struct token *t, const char *name, struct err *e)
{
	json_t *body = json_pack("{s:s, s:s, s:s?}", "name", name, "role",
				 t->invoke ? "invoke" : "admin", "function",
				 t->function);
	json_t *answer = NULL;
	AUTO_FREE char *text = NULL;
	int r = talk_json("POST", "/v1/tokens", body, &answer, e);

	if (r < 0)
		return r;
	text = json_dumps(answer, JSON_INDENT(2));
	puts(t->json && text ? text : grid_text(answer, "token"));
	json_decref(answer);
	return 0;
}

static int remove_token(const char *name, struct err *e)
{
	AUTO_FREE char *path = platform_path("tokens", name, "", e);

	return path ? talk_json("DELETE", path, NULL, NULL, e) : -e->code;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct token t = { 0 };
	struct platform_words w = { .min = 1,
				    .max = 2,
				    .what = "create NAME, ls or rm NAME",
				    .option = take,
				    .arg = &t };
	const char *verb;
	struct err e;
	int r, status;

	if (platform_parse(cmd, argc, argv, &w, &status) != 0)
		return status;
	verb = w.words[0];
	if (strcmp(verb, "ls") == 0 && w.count == 1)
		r = list(t.json, &e);
	else if (strcmp(verb, "create") == 0 && w.count == 2)
		r = create(&t, w.words[1], &e);
	else if (strcmp(verb, "rm") == 0 && w.count == 2)
		r = remove_token(w.words[1], &e);
	else
		r = err_set(&e, EINVAL,
			    "mayfly token needs create NAME, ls or rm NAME");
	return r < 0 ? platform_fail(r, &e) : STATUS_OK;
}

const struct cmd cmd_token = {
	.name = "token",
	.usage = "[OPTIONS] create NAME | ls | rm NAME",
	.summary = "Make, list and remove tokens",
	.details =
		"A token is printed once, when it is made. One of role "
		"admin, the default, may\nuse the API at its TCP address; "
		"with --invoke it is for functions that are\ntoken-protected.",
	.opts = opts,
	.run = run,
};
