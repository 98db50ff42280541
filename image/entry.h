/* SPDX-License-Identifier: Apache-2.0 */
/* Finds what a tree runs: a name in PATH, links, scripts. */
#ifndef IMAGE_ENTRY_H
#define IMAGE_ENTRY_H

#include "image/source.h"

/*
 * Sets s->config.program, the path of an ELF file without symbolic links,
 * from args[0] unless it is set. If that is a script, args becomes what Linux
 * would start: the interpreter, its argument, the script, the rest; "env" as
 * an interpreter is done away with.
 */
int entry_resolve(struct source *s, struct err *e);

#define ENTRY_LINE_MAX 256 /* bytes of a script's first line, as in Linux */

/* What the first line of a script says. */
struct entry_script {
	char text[ENTRY_LINE_MAX];
	const char *interp; /* a path, or a name for PATH if `env` */
	const char *arg; /* NULL: none */
	bool env; /* it was run by way of env(1) */
};

/* True if the file begins with "#!" and names an interpreter. */
bool entry_read_script(struct entry_script *ret, int fd);

#endif
