/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly rollback, alias and promote: where requests go.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/grid.h"
#include "cli/platform.h"
#include "cli/talk.h"
#include "host/cleanup.h"
#include "host/parse.h"

enum { OPT_REMOVE = 10, OPT_ALIAS };

static const struct opt alias_opts[] = {
	{ OPT_REMOVE, 0, "remove", NULL, "the alias" },
	{ 0 },
};
static const struct opt rollback_opts[] = {
	{ OPT_ALIAS, 0, "alias", "ALIAS", "another one than live" },
	{ 0 },
};
static const struct opt no_opts[] = { { 0 } };

/* ---- what it is now ---- */

static void print_aliases(const json_t *f)
{
	json_t *shares, *s;
	const char *name;
	size_t i;

	json_object_foreach(json_object_get(f, "aliases"), name, shares) {
		printf("%s", name);
		json_array_foreach(shares, i, s) {
			printf(" %lld=%lld",
			       (long long)grid_number(s, "version"),
			       (long long)grid_number(s, "weight"));
		}

		putchar('\n');
	}
}

static int list_aliases(const char *name, struct err *e)
{
	AUTO_FREE char *path = platform_path("functions", name, "", e);
	json_t *f = NULL;
	int r;

	if (!path)
		return -e->code;
	r = talk_json("GET", path, NULL, &f, e);
	if (r == 0)
		print_aliases(f);
	json_decref(f);
	return r;
}

/* ---- changes ---- */

/* VERSION or VERSION=WEIGHT. */
static json_t *read_share(const char *word, struct err *e)
{
	AUTO_FREE char *version = strndup(word, strcspn(word, "="));
	const char *weight = strchr(word, '=');
	uint64_t v, w = 100;

	if (version && parse_number(&v, version, 1, INT32_MAX) &&
	    (!weight || parse_number(&w, weight + 1, 0, 1000000)))
		return json_pack("{s:I, s:I}", "version", (json_int_t)v,
				 "weight", (json_int_t)w);
	err_set(e, EINVAL, "%s is not VERSION or VERSION=WEIGHT", word);
	return NULL;
}

static int set_alias(const char *function, const char *alias,
		     const char *const *words, size_t count, struct err *e)
{
	AUTO_FREE char *path = NULL, *more = NULL;
	json_t *shares = json_array(), *share, *f = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		share = read_share(words[i], e);
		if (!share || json_array_append_new(shares, share) < 0)
			r = -EINVAL;
	}
	if (r == 0 && asprintf(&more, "/aliases/%s", alias) < 0) {
		more = NULL;
		r = err_set(e, ENOMEM, "out of memory");
	}
	if (r == 0) {
		path = platform_path("functions", function, more, e);
		r = path ? 0 : -e->code;
	}
	if (r < 0) {
		json_decref(shares);
		return r;
	}
	r = talk_json("PUT", path, json_pack("{s:o}", "shares", shares), &f, e);
	if (r == 0)
		print_aliases(f);
	json_decref(f);
	return r;
}

static int remove_alias(const char *function, const char *alias, struct err *e)
{
	AUTO_FREE char *path = NULL, *more = NULL;

	if (asprintf(&more, "/aliases/%s", alias) < 0) {
		more = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	path = platform_path("functions", function, more, e);
	return path ? talk_json("DELETE", path, NULL, NULL, e) : -e->code;
}

static int take_remove(void *arg, int id, const char *value, struct err *e)
{
	(void)id;
	(void)value;
	(void)e;
	*(bool *)arg = true;
	return 0;
}

static int run_alias(const struct cmd *cmd, int argc, char **argv)
{
	bool remove = false;
	struct platform_words w = { .min = 1,
				    .max = 10,
				    .what = "a function, an alias and its "
					    "versions",
				    .option = take_remove,
				    .arg = &remove };
	struct err e;
	int r, status;

	if (platform_parse(cmd, argc, argv, &w, &status) != 0)
		return status;
	if (remove && w.count == 2)
		r = remove_alias(w.words[0], w.words[1], &e);
	else if (w.count == 1 && !remove)
		r = list_aliases(w.words[0], &e);
	else if (w.count > 2 && !remove)
		r = set_alias(w.words[0], w.words[1], w.words + 2, w.count - 2,
			      &e);
	else
		r = err_set(&e, EINVAL,
			    "mayfly alias wants NAME, NAME ALIAS VERSION..., "
			    "or --remove NAME ALIAS");
	return r < 0 ? platform_fail(r, &e) : STATUS_OK;
}

static int run_promote(const struct cmd *cmd, int argc, char **argv)
{
	struct platform_words w = { .min = 2,
				    .max = 2,
				    .what = "a function and a version" };
	struct err e;
	int r, status;

	if (platform_parse(cmd, argc, argv, &w, &status) != 0)
		return status;
	r = set_alias(w.words[0], "live", w.words + 1, 1, &e);
	return r < 0 ? platform_fail(r, &e) : STATUS_OK;
}

static int take_alias(void *arg, int id, const char *value, struct err *e)
{
	(void)id;
	(void)e;
	*(const char **)arg = value;
	return 0;
}

static int run_rollback(const struct cmd *cmd, int argc, char **argv)
{
	const char *alias = "live";
	struct platform_words w = { .min = 1,
				    .max = 1,
				    .what = "the name of a function",
				    .option = take_alias,
				    .arg = &alias };
	AUTO_FREE char *path = NULL, *more = NULL, *code = NULL;
	json_t *f = NULL;
	struct err e;
	int r, status;

	if (platform_parse(cmd, argc, argv, &w, &status) != 0)
		return status;
	code = talk_encode(alias);
	if (!code || asprintf(&more, "/rollback?alias=%s", code) < 0) {
		more = NULL;
		err_set(&e, ENOMEM, "out of memory");
		return cmd_fail(STATUS_FAILED, &e);
	}
	path = platform_path("functions", w.words[0], more, &e);
	r = path ? talk_json("POST", path, NULL, &f, &e) : -e.code;
	if (r == 0)
		print_aliases(f);
	json_decref(f);
	return r < 0 ? platform_fail(r, &e) : STATUS_OK;
}

const struct cmd cmd_alias = {
	.name = "alias",
	.usage = "[--remove] NAME [ALIAS [VERSION[=WEIGHT]...]]",
	.summary = "Show, set or remove the aliases of a function",
	.details = "Requests go to alias live; those to /fn/NAME@ALIAS/ to "
		   "that one. Of several\nversions, each gets its weight's "
		   "share.",
	.opts = alias_opts,
	.run = run_alias,
};

const struct cmd cmd_promote = {
	.name = "promote",
	.usage = "NAME VERSION",
	.summary = "Let all requests to a function go to one version",
	.opts = no_opts,
	.run = run_promote,
};

const struct cmd cmd_rollback = {
	.name = "rollback",
	.usage = "[OPTIONS] NAME",
	.summary = "Go back to the version that answered before",
	.opts = rollback_opts,
	.run = run_rollback,
};
