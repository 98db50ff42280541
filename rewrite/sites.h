/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `syscall` instructions of a file, and for each the window: the
 * instructions that give way to a jump.
 */
#ifndef REWRITE_SITES_H
#define REWRITE_SITES_H

#include "abi/stubs.h"
#include "rewrite/insn.h"
#include "rewrite/regions.h"
#include "rewrite/targets.h"

enum site_verdict {
	SITE_NUMBER = 0, /* rewritten: over `mov $number, %eax` */
	SITE_BEFORE, /* over what precedes and, if need be, the `syscall` */
	SITE_AFTER, /* over the `syscall` and what follows */
	SITE_REWRITTEN_COUNT, /* the verdicts from here on leave it alone */
	SITE_SIGRETURN = SITE_REWRITTEN_COUNT, /* unwinders know its bytes */
	SITE_UNCERTAIN, /* it may be data */
	SITE_TARGET, /* something may jump into every window */
	SITE_FIXED, /* no window of instructions that can be moved */
	SITE_FAR, /* 32 bits of distance do not suffice */
	SITE_TOO_MANY, /* the file has more than a table can have */
	SITE_EXCLUDED, /* the user said so */
	SITE_FILE, /* something about the file, see its report */
	SITE_VERDICT_COUNT,
};

/* As reports name them, and in a few words. */
const char *site_verdict_name(enum site_verdict v);

#define SITE_INSNS_MAX (MF_STUB_INSNS_MAX - 1u) /* one is the way back */

struct site {
	uint64_t va; /* of the `syscall` */
	struct region *region;
	enum site_verdict verdict;
	/* If it is rewritten: */
	uint64_t lo; /* where the jump goes */
	uint8_t len; /* bytes that give way, at least INSN_JMP_LEN */
	uint8_t insn_count;
	uint8_t call; /* index of the `syscall` in insns */
	struct insn insns[SITE_INSNS_MAX];
};

struct sites {
	struct site *list; /* ascending */
	size_t count, room;
};

/* All that decode, the uncertain ones with their verdict. 0 or -ENOMEM. */
int sites_find(struct sites *s, const struct regions *r);
void sites_fini(struct sites *s);
/* Chooses a window for each that may have one. */
void sites_choose(struct sites *s, const struct targets *t);

#endif
