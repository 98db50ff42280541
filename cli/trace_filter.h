/* SPDX-License-Identifier: Apache-2.0 */
/* Which calls and signals to trace, in strace's words. */
#ifndef CLI_TRACE_FILTER_H
#define CLI_TRACE_FILTER_H

#include <stdint.h>

#include "abi/trace.h"
#include "host/err.h"

struct trace_filter {
	uint64_t calls[MF_TRACE_CALLS / 64]; /* bit n: call n */
	uint64_t signals; /* bit n-1: signal n */
};

/* Everything. */
void trace_filter_init(struct trace_filter *f);
/* open,close  !futex  %file  %net,%desc  all  none */
int trace_filter_calls(struct trace_filter *f, const char *list, struct err *e);
/* SIGTERM,usr1  !SIGCHLD  all  none */
int trace_filter_signals(struct trace_filter *f, const char *list,
			 struct err *e);

#endif
