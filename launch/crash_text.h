/* SPDX-License-Identifier: Apache-2.0 */
/* A crash of a guest's program in words. */
#ifndef LAUNCH_CRASH_TEXT_H
#define LAUNCH_CRASH_TEXT_H

#include "abi/guest.h"
#include "image/image.h"

#define CRASH_TEXT_MAX 768

/* "SIGSEGV", or "signal 77" in a place that the next call uses again. */
const char *crash_signal_name(unsigned number);

/* The signal, where it was, in which thread: a line without its end. */
void crash_text(char ret[CRASH_TEXT_MAX], const struct mf_crash *c,
		const struct image *img);

#endif
