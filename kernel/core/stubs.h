/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rewritten system calls (abi/stubs.h). Registers of the program in the
 * kernel hold addresses as they are; whatever the program, or a user who
 * reads a log, gets to see holds them as they were before rewriting.
 */
#ifndef KERNEL_CORE_STUBS_H
#define KERNEL_CORE_STUBS_H

#include "core/kernel.h"

/* The address before rewriting of what is executed at pc. */
uint64_t stub_pc_to_program(uint64_t pc);
/* Where to go on when the program says pc. */
uint64_t stub_pc_from_program(uint64_t pc);

/* Where the `syscall` instruction is, or was, that made the call of r. */
static inline uint64_t stub_call_site(const struct mf_regs *r)
{
	return stub_pc_to_program(r->rip) - 2;
}

#endif
