/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standard input, output and error of the command, which become those of the
 * program.
 */
#ifndef LAUNCH_CONSOLE_H
#define LAUNCH_CONSOLE_H

#include <stdbool.h>

/*
 * Puts /dev/null where one of descriptors 0 to 2 is not open, so that no file
 * of ours lands there. Called first of all.
 */
void console_hold(void);

/* True if descriptor fd was not open when the command started. */
bool console_absent(int fd);

#endif
