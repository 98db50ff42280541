/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stubs of rewritten system calls, as the sealer adds them to an ELF
 * file and the guest kernel reads them. docs/formats/guest-abi.md, section
 * 10, is the prose.
 *
 * The header opens an executable segment of its own, the table and the code
 * lie in the same segment. A program never sees an address of the code: the
 * kernel translates to and from the addresses the instructions had before.
 */
#ifndef ABI_STUBS_H
#define ABI_STUBS_H

#include <stdint.h>

#define MF_STUBS_MAGIC	   0x627574736659414dull /* "MAYfstub" */
#define MF_STUBS_SITES_MAX 65536u
#define MF_STUB_INSNS_MAX  6u
#define MF_STUB_CODE_MAX   128u /* bytes of one stub */

struct mf_stubs_hdr {
	uint64_t magic;
	uint32_t count; /* entries of the table, at most MF_STUBS_SITES_MAX */
	uint32_t table_off; /* of the first, from the header; multiple of 4 */
	uint32_t size; /* bytes of header, table and code together */
	uint32_t reserved; /* 0 */
};

/* An instruction's place before (from the site) and now (from the stub). */
struct mf_stub_insn {
	uint8_t site;
	uint8_t stub;
};

/* Ascending by address: site and code alike, and insns in each of them. */
struct mf_stub {
	uint32_t back; /* header's address - the site's (of the jump) */
	uint32_t code; /* offset of the stub's code from the header */
	uint8_t code_len; /* bytes, at most MF_STUB_CODE_MAX */
	uint8_t insn_count; /* at most MF_STUB_INSNS_MAX */
	struct mf_stub_insn insns[MF_STUB_INSNS_MAX];
	uint8_t reserved[2]; /* 0 */
};

_Static_assert(sizeof(struct mf_stubs_hdr) == 24, "format");
_Static_assert(sizeof(struct mf_stub) == 24, "format");

#endif
