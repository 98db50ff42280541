/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every address of code that anything in the file names: what may be jumped
 * to, and some that may not. Too many cost a rewritten call here or there,
 * one too few would cost a crash.
 */
#ifndef REWRITE_TARGETS_H
#define REWRITE_TARGETS_H

#include "rewrite/regions.h"

enum target_kind {
	TARGET_SURE = 0, /* something says so that cannot mean anything else */
	TARGET_MAYBE, /* a number that could be an address */
	TARGET_KINDS,
};

struct targets {
	const struct view *v;
	uint64_t work; /* entries of tables read so far */
	/* Owned; one bit a byte of the piece. */
	uint8_t *bits[TARGET_KINDS][VIEW_CODE_MAX];
};

/* 0, -ENOMEM, or -E2BIG if there is no end of tables. */
int targets_init(struct targets *t, const struct view *v,
		 const struct regions *r);
void targets_fini(struct targets *t);
bool targets_has(const struct targets *t, enum target_kind kind, uint64_t va);

#endif
