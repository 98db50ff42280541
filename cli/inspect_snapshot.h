/* SPDX-License-Identifier: Apache-2.0 */
/* mayfly inspect: what a snapshot holds, and what its clones share. */
#ifndef CLI_INSPECT_SNAPSHOT_H
#define CLI_INSPECT_SNAPSHOT_H

#include <stdbool.h>

#include "host/err.h"

/* Verifies it, and prints a table or a JSON object to stdout. */
int inspect_snapshot(const char *path, bool json, struct err *e);

#endif
