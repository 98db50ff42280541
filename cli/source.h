/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what a user names to what can be sealed: a program of this machine,
 * or whatever a builder knows how to turn into a tree, with what mayfly.yaml
 * and then the command line say about it.
 */
#ifndef CLI_SOURCE_H
#define CLI_SOURCE_H

#include <stdbool.h>

#include "cli/progress.h"
#include "host/strlist.h"
#include "image/source.h"
#include "launch/env_list.h"

struct source_options {
	const char *path; /* as it was typed */
	const char *builder; /* NULL: mayfly.yaml says, or it is found out */
	const char *config; /* a mayfly.yaml; NULL: that of a directory */
	char **args; /* added to the program's, args_count of them; if there
			are none, those of mayfly.yaml */
	int args_count;
	struct env_list env;
	struct strlist adds; /* HOSTPATH[:IMAGEPATH] */
	bool no_rewrite; /* as in struct source_config */
	struct strlist not_rewritten;
};

void source_options_fini(struct source_options *o);

/*
 * Fills *ret; the caller calls source_fini() in any case. *ret_status is the
 * command's exit status if it fails.
 */
int source_prepare(struct source *ret, const struct source_options *o,
		   struct progress *progress, int *ret_status, struct err *e);

/* Is it a reference to an image somewhere, as docker://NAME? */
bool source_is_reference(const char *path);

/* What its image is called unless the user says; malloc'd, or NULL. */
char *source_name(const struct source_options *o);

/* Each as a line on stderr. */
void source_print_warnings(const struct source *s);

#endif
