/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the unwind tables know of code: where functions begin and end
 * (.eh_frame), and where exceptions land (.gcc_except_table).
 */
#ifndef REWRITE_FRAMES_H
#define REWRITE_FRAMES_H

#include "rewrite/view.h"

struct frames_visitor {
	void (*function)(void *arg, uint64_t lo, uint64_t hi);
	void (*landing)(void *arg, uint64_t va); /* may be NULL */
	void *arg;
};

void frames_visit(const struct view *v, const struct frames_visitor *w);

#endif
