/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values with their names: the sets of cli/trace_sets.def, which the rows of
 * abi/syscall_args.def name.
 */
#ifndef CLI_TRACE_SETS_H
#define CLI_TRACE_SETS_H

#include "cli/trace_text.h"

enum trace_set_id {
#define BITS(set, unknown, names)		 TRACE_SET_##set,
#define CHOICE(set, unknown, names)		 TRACE_SET_##set,
#define MIXED(set, unknown, mask, choices, bits) TRACE_SET_##set,
#include "cli/trace_sets.def"
#undef BITS
#undef CHOICE
#undef MIXED
	TRACE_SET_COUNT,
};

/* NULL if the value has no name. */
const char *trace_choice_name(enum trace_set_id id, uint64_t value);
/* A|B, numbers where there is no name. */
void trace_put_set(struct text *t, unsigned id, uint64_t value);

#endif
