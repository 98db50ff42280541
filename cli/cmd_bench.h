/* SPDX-License-Identifier: Apache-2.0 */
/* What mayfly bench can measure: each is a command with options of its own. */
#ifndef CLI_CMD_BENCH_H
#define CLI_CMD_BENCH_H

#include "cli/cmd.h"

extern const struct cmd cmd_bench_start, cmd_bench_compare;

#endif
