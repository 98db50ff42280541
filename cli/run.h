/* SPDX-License-Identifier: Apache-2.0 */
/* One instance from its start to its end, for the commands that run one. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include <stdint.h>

#include "cli/run_options.h"
#include "cli/trace_session.h"
#include "image/image.h"

/* Microseconds of the monotonic clock. */
uint64_t run_now_us(void);

struct snapshot;

/*
 * o->path is a snapshot: opens it and its image, and has *o run a copy. *snap
 * is used until the instances have started.
 */
int run_open_snapshot(struct image *ret_img, struct snapshot *ret_snap,
		      struct run_options *o, struct err *e);

/*
 * Says what is to be said and returns the exit status. `trace` (NULL: none)
 * is where o->trace leads; begin_us is when the command began.
 */
int run_program(struct run_options *o, struct trace_session *trace,
		uint64_t begin_us);

/* The same; *ret_img is the image that was run, the caller closes it. */
int run_program_image(struct run_options *o, struct image *ret_img,
		      uint64_t begin_us);

#endif
