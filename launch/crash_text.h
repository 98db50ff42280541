/* SPDX-License-Identifier: Apache-2.0 */
/* A crash of a guest's program in words. */
#ifndef LAUNCH_CRASH_TEXT_H
#define LAUNCH_CRASH_TEXT_H

#include <stddef.h>

#include "abi/guest.h"
#include "image/image.h"

#define CRASH_TEXT_MAX 768

/* "SIGSEGV", or "signal 77" in a place that the next call uses again. */
const char *crash_signal_name(unsigned number);

/* The signal, where it was, in which thread: a line without its end. */
void crash_text(char ret[CRASH_TEXT_MAX], const struct mf_crash *c,
		const struct image *img);

#define BACKTRACE_TEXT_MAX (24u * 400)

/*
 * Lines "NAME+0x12 (/path)", of a message of `len` bytes behind MF_EV_CRASH;
 * empty if it is no struct mf_backtrace, or one that says nothing.
 */
void backtrace_text(char ret[BACKTRACE_TEXT_MAX], const void *message,
		    size_t len, const struct image *img);

#endif
