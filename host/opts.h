/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command-line options, one table per verb. The table is also where --help
 * comes from, so an option cannot exist without its sentence.
 *
 * Understood: --name VALUE, --name=VALUE, -x VALUE, -xVALUE, -xy for -x -y
 * where -x takes no value, and -- to end the options (see `program`).
 */
#ifndef HOST_OPTS_H
#define HOST_OPTS_H

#include <stdbool.h>

#include "host/err.h"

#define OPT_END	 0
#define OPT_WORD 1 /* not an option; only if words may stand between */
#define OPT_HELP 2

#define OPTS_MAX 32 /* options of one verb */

struct opt {
	int id; /* > 2; a table ends with id 0 */
	char letter; /* 0: none */
	const char *name;
	/* What --help calls the value; NULL: takes none. "[=X]": it may be
	 * left away, and follows a = if it is there. */
	const char *arg;
	const char *help;
};

struct opts {
	const struct opt *table;
	char **argv;
	int argc;
	int next; /* index of the first word not yet looked at */
	bool words_between; /* options may follow words */
	/* A "--" after a word ends everything: what follows belongs to the
	 * program that the word names. */
	bool program;
	bool word_seen; /* OPT_WORD was returned */
	bool ended; /* "--" was seen */
	const char *bundle; /* letters left of the word before, or NULL */
};

/*
 * The next option's id, OPT_WORD, or OPT_END; then argv[next] is the first
 * word left. -EINVAL and a sentence for what is not understood. *ret_value
 * is the option's value or the word.
 */
int opts_next(struct opts *o, const char **ret_value, struct err *e);

/* Prints the table. */
void opts_help(const struct opt *table);

/* The name (the list ends with NULL) nearest to `word`; NULL: none is near. */
const char *opts_nearest(const char *word, const char *const *names);

#endif
