/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From records to lines, as strace -f prints them: calls that others interrupt
 * are shown unfinished and resumed. Or to a table of counts.
 */
#ifndef CLI_TRACE_PRINT_H
#define CLI_TRACE_PRINT_H

#include "cli/trace_stream.h"
#include "cli/trace_text.h"

enum trace_stamp {
	TRACE_STAMP_NONE = 0,
	TRACE_STAMP_SECOND = 1, /* time of day */
	TRACE_STAMP_MICRO = 2,
	TRACE_STAMP_EPOCH = 3, /* seconds since 1970 */
};

struct trace_style {
	enum trace_stamp stamp;
	bool relative; /* time since the line before */
	bool lines; /* print the calls */
	bool counts; /* print a table at the end */
	bool wall_clock; /* the table shows time passed, not used */
	bool thread_always; /* also if there is one thread only */
	uint32_t text_max;
	uint64_t signals; /* bit n-1: print signal n */
};

#define TRACE_THREADS_MAX 8192 /* more than a guest can have at a time */

struct trace_thread;

struct trace_count {
	uint64_t calls, errors, ns;
};

struct trace_printer {
	struct trace_style style;
	struct text out; /* what is to be written; the caller empties it */
	struct trace_thread *threads[256]; /* by tid */
	unsigned thread_count;
	bool several; /* threads: lines say whose they are */
	bool open; /* a line is not finished */
	uint32_t open_tid; /* whose */
	size_t column; /* of that line */
	uint64_t real_offset_ns; /* realtime minus monotonic clock */
	uint64_t last_ns; /* of the line before */
	struct trace_count counts[MF_TRACE_CALLS];
};

void trace_printer_init(struct trace_printer *p, const struct trace_style *s);
void trace_printer_fini(struct trace_printer *p);

/* A trace_event_fn; arg is the printer. */
void trace_printer_event(void *arg, const struct trace_event *ev);
/* Nothing follows: finishes an open line, and the table. */
void trace_printer_end(struct trace_printer *p);

#endif
