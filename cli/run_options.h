/* SPDX-License-Identifier: Apache-2.0 */
/* What the user asked `mayfly run` for, from the command line. */
#ifndef CLI_RUN_OPTIONS_H
#define CLI_RUN_OPTIONS_H

#include <stdbool.h>

#include "cli/parse.h"
#include "host/opts.h"
#include "launch/options.h"

extern const struct opt run_opts[];

/* *ret must be zero; the caller calls run_options_fini() in any case. */
int run_options_parse(struct run_options *ret, int argc, char **argv,
		      struct err *e);

#define RUN_MORE_ID 100 /* the lowest id of an option that is not here */

/* For a command that has options of its own beside these. */
struct run_more {
	const struct opt *table; /* all of them, run_opts among them */
	int (*take)(void *arg, int id, const char *value, struct err *e);
	void *arg;
	/* Whether it is to be taken as --env. */
	bool (*is_env)(int id, const char *value);
	/* Options may follow the program; its arguments follow a --. */
	bool words_between;
};

/* As run_options_parse; no program is no error, ret->path is NULL then. */
int run_options_parse_more(struct run_options *ret, int argc, char **argv,
			   const struct run_more *more, struct err *e);
void run_options_fini(struct run_options *o);

#define AUTO_RUN_OPTIONS __attribute__((cleanup(run_options_fini)))

#endif
