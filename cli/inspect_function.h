/* SPDX-License-Identifier: Apache-2.0 */
/* mayfly inspect of a function that is deployed. */
#ifndef CLI_INSPECT_FUNCTION_H
#define CLI_INSPECT_FUNCTION_H

#include <stdbool.h>

#include "host/err.h"

/* Could it be the name of one? A path of a file is none. */
bool inspect_function_is_name(const char *word);
int inspect_function(const char *name, bool json, struct err *e);

#endif
