/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands of the platform share. */
#ifndef CLI_PLATFORM_H
#define CLI_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/cmd.h"

#define WORDS_MAX 64u

/* The words of a command line, and options by a callback. */
struct platform_words {
	const char *words[WORDS_MAX];
	size_t count;
	size_t min, max; /* how many there are to be */
	const char *what; /* what is missing, or too much, for the message */
	/* An option; NULL: there is none but --help. */
	int (*option)(void *arg, int id, const char *value, struct err *e);
	void *arg;
};

/* 0: go on; else *ret_status is the status to end with. */
int platform_parse(const struct cmd *cmd, int argc, char **argv,
		   struct platform_words *w, int *ret_status);

/* Prints *e and returns the status that fits: 1 if mayflyd refused. */
int platform_fail(int r, const struct err *e);

/* "10m" ago, "2026-11-21", "2026-11-21T10:00", in UTC: ms since 1970. */
int platform_since(uint64_t *ret_ms, const char *text, struct err *e);
uint64_t platform_now_ms(void);

/* "/v1/functions/NAME" and more behind it; malloc'd. -EINVAL if `name` can
 * be no name. */
char *platform_path(const char *collection, const char *name, const char *more,
		    struct err *e);

/* NAME, or NAME@ALIAS: parts them, ret_alias NULL if there is none; both
 * malloc'd. */
int platform_split(const char *word, char **ret_name, char **ret_alias,
		   struct err *e);

#endif
