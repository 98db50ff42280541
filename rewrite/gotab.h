/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The function table of Go programs (pclntab), which is there also when
 * symbols are not.
 */
#ifndef REWRITE_GOTAB_H
#define REWRITE_GOTAB_H

#include "rewrite/view.h"

void gotab_visit(const struct view *v,
		 void (*function)(void *arg, uint64_t lo, uint64_t hi),
		 void *arg);

#endif
