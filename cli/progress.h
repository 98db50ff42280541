/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a long command is doing, for whoever watches: on a terminal one line
 * of stderr that is written over, with the time a step has taken. Elsewhere
 * nothing, unless the user asked for everything.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool live; /* stderr is a terminal */
	bool verbose; /* steps and output are lines of stderr */
	bool shown; /* there is a line to take back */
	char step[128]; /* "": none */
	uint64_t begin_ms; /* of the step */
};

void progress_init(struct progress *p, bool verbose);
/* A new step; what the builder says is made printable. */
void progress_step(struct progress *p, const char *text);
/* Shows the time; to be called about once a second. */
void progress_tick(struct progress *p);
/* A line of output that is shown because the user wants all. */
void progress_output(struct progress *p, const char *line);
/* Takes the line back, before other output and at the end. */
void progress_clear(struct progress *p);

#endif
