/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly rm, which takes functions away, and mayfly stop, which ends
 * instances. Each word is tried, whatever became of those before.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/platform.h"
#include "cli/talk.h"
#include "host/cleanup.h"

static const struct opt opts[] = { { 0 } };

static int delete_one(const char *collection, const char *word)
{
	struct err e;
	AUTO_FREE char *path = platform_path(collection, word, "", &e);
	int r = path ? talk_json("DELETE", path, NULL, NULL, &e) : -e.code;

	if (r < 0)
		return platform_fail(r, &e);
	printf("%s\n", word);
	return STATUS_OK;
}

static int delete_all(const struct cmd *cmd, int argc, char **argv,
		      const char *collection)
{
	struct platform_words w = { .min = 1,
				    .max = WORDS_MAX,
				    .what = "at least one name" };
	int status, one;

	if (platform_parse(cmd, argc, argv, &w, &status) != 0)
		return status;
	for (size_t i = 0; i < w.count; i++) {
		one = delete_one(collection, w.words[i]);
		status = one > status ? one : status;
	}
	return status;
}

static int run_rm(const struct cmd *cmd, int argc, char **argv)
{
	return delete_all(cmd, argc, argv, "functions");
}

static int run_stop(const struct cmd *cmd, int argc, char **argv)
{
	return delete_all(cmd, argc, argv, "instances");
}

const struct cmd cmd_rm = {
	.name = "rm",
	.usage = "NAME...",
	.summary = "Take functions away, with all their versions",
	.details = "Requests under way are answered; the ledger keeps what "
		   "was.",
	.opts = opts,
	.run = run_rm,
};

const struct cmd cmd_stop = {
	.name = "stop",
	.usage = "INSTANCE...",
	.summary = "End instances; the beginning of an id is enough",
	.opts = opts,
	.run = run_stop,
};
