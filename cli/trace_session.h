/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trace under way: the pipe that its bytes come through, what makes lines
 * of them, and where the lines go.
 */
#ifndef CLI_TRACE_SESSION_H
#define CLI_TRACE_SESSION_H

#include "cli/run_options.h"
#include "cli/trace_filter.h"
#include "cli/trace_print.h"

struct trace_options {
	struct trace_filter filter;
	struct trace_style style; /* but its signals, which the filter has */
	const char *output; /* a file; NULL: standard error */
	const char *attach; /* name of an instance; NULL: start one */
};

struct trace_session {
	struct run_trace run; /* the pipe's end that others write to */
	int read_fd; /* ours; -1: nothing will come any more */
	int out_fd;
	bool failed; /* it was said why */
	struct trace_stream stream;
	struct trace_printer printer;
};

int trace_session_init(struct trace_session *s, const struct trace_options *o,
		       struct err *e);
/* The writer has its end now. */
void trace_session_started(struct trace_session *s);
/* Takes what there is, waits if there is nothing; false: it was the last. */
bool trace_session_read(void *session);
/* Prints what is left; nobody writes any more, or it is of no interest. */
void trace_session_end(struct trace_session *s, bool drain);
/* Whether anything came at all. */
bool trace_session_began(const struct trace_session *s);
void trace_session_fini(struct trace_session *s);

#endif
