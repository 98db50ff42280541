/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The code a site jumps to: the instructions of its window, as they have to
 * be at the new place, with the `syscall` replaced by a jump to the kernel.
 */
#ifndef REWRITE_STUB_H
#define REWRITE_STUB_H

#include "rewrite/sites.h"

struct stub {
	uint8_t code[MF_STUB_CODE_MAX];
	uint8_t len;
	uint8_t insn_count;
	struct mf_stub_insn insns[MF_STUB_INSNS_MAX];
};

/* Writes the stub of *s for the address va. False: something is too far. */
bool stub_make(struct stub *ret, const struct site *s, uint64_t va);

#endif
