/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function as mayflyd knows it: where its requests go, its versions, what
 * the one that most requests go to is like.
 */
#include "cli/inspect_function.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/grid.h"
#include "cli/platform.h"
#include "cli/talk.h"
#include "host/cleanup.h"

bool inspect_function_is_name(const char *word)
{
	return word[0] && word[0] != '-' &&
	       !word[strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-")];
}

static void print_shares(const char *name, const json_t *shares)
{
	json_t *s;
	size_t i;

	printf("%-18s", name);
	json_array_foreach(shares, i, s) {
		printf("%sversion %lld (%lld)", i ? ", " : "",
		       (long long)grid_number(s, "version"),
		       (long long)grid_number(s, "weight"));
	}

	putchar('\n');
}

static void print_value(const char *key, const json_t *v)
{
	AUTO_FREE char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);

	if (text && strcmp(text, "{}") != 0 && strcmp(text, "[]") != 0 &&
	    strcmp(text, "null") != 0)
		printf("  %-20s%s\n", key, text);
}

static void print_spec(json_t *version)
{
	json_t *spec = json_object_get(version, "spec"), *v;
	const char *key;

	printf("version %lld\n", (long long)grid_number(version, "number"));
	printf("  %-20s%s\n", "digest", grid_text(version, "digest"));
	printf("  %-20s%s\n", "snapshot",
	       json_is_true(json_object_get(version, "snapshot")) ? "yes" :
								    "no");
	json_object_foreach(spec, key, v) {
		print_value(key, v);
	}
}

/* The one of the first, that is, main share of `live`, in whole. */
static void print_main(const json_t *f)
{
	json_t *live = json_array_get(json_object_get(f, "live"), 0), *v;
	size_t i;

	json_array_foreach(json_object_get(f, "versions"), i, v) {
		if (grid_number(v, "number") == grid_number(live, "version"))
			print_spec(v);
	}
}

static void print_versions(const json_t *list)
{
	char age[GRID_CELL];
	json_t *v;
	size_t i;

	json_array_foreach(list, i, v) {
		grid_age(age, platform_now_ms() -
				      (uint64_t)grid_number(v, "created_ms"));
		printf("%-18s%lld, %s ago, %.19s\n", i ? "" : "versions",
		       (long long)grid_number(v, "number"), age,
		       grid_text(v, "digest"));
	}
}

static void print_function(const json_t *f)
{
	const json_t *o = json_object_get(f, "instances");
	json_t *shares;
	const char *name;

	printf("%-18s%s\n", "name", grid_text(f, "name"));
	printf("%-18s%s\n", "url", grid_text(f, "url"));
	printf("%-18s%s\n", "state", grid_text(f, "state"));
	printf("%-18s%lld starting, %lld ready, %lld busy; %lld requests "
	       "wait\n",
	       "instances", (long long)grid_number(o, "starting"),
	       (long long)grid_number(o, "ready"),
	       (long long)grid_number(o, "busy"),
	       (long long)grid_number(o, "waiting"));
	json_object_foreach(json_object_get(f, "aliases"), name, shares) {
		print_shares(name, shares);
	}

	print_versions(json_object_get(f, "versions"));
	print_main(f);
}

int inspect_function(const char *name, bool json, struct err *e)
{
	AUTO_FREE char *path = platform_path("functions", name, "", e);
	AUTO_FREE char *text = NULL;
	json_t *f = NULL;
	int r;

	if (!path)
		return -e->code;
	r = talk_json("GET", path, NULL, &f, e);
	if (r < 0)
		return r;
	text = json_dumps(f, JSON_INDENT(2));
	if (json)
		puts(text ? text : "{}");
	else
		print_function(f);
	json_decref(f);
	return 0;
}
