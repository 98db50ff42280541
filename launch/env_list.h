/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ordered list of environment strings; a later value of a name replaces
 * the earlier one in place.
 */
#ifndef LAUNCH_ENV_LIST_H
#define LAUNCH_ENV_LIST_H

#include <stddef.h>

#include "host/err.h"

#define ENV_LIST_MAX 4096u /* entries */

struct env_list {
	char **items; /* owned, "NAME=value" */
	size_t count;
};

/*
 * "NAME=value", or "NAME" for the value that this process has (nothing
 * happens if it has none).
 */
int env_list_set(struct env_list *l, const char *entry, struct err *e);
/* Lines as for env_list_set; empty ones and those from '#' on are skipped. */
int env_list_read(struct env_list *l, const char *path, struct err *e);
void env_list_fini(struct env_list *l);

#endif
