/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables that a copy of a snapshot may set: declared when the snapshot is
 * taken, named in its header, checked when it is run.
 */
#ifndef LAUNCH_LATE_ENV_H
#define LAUNCH_LATE_ENV_H

#include "launch/options.h"

/* Takes NAME or NAME=default, which must stay where it is. 0 or -errno. */
int late_env_declare(struct run_snapshot *s, const char *entry, struct err *e);
/* Whether `entry`, NAME or NAME=value, is a declared one. */
bool late_env_has(const struct run_snapshot *s, const char *entry);
/* Whether the value of NAME=value has room. 0 or -E2BIG. */
int late_env_check_value(const char *entry, struct err *e);

/* The names, as a header has them. */
void late_env_write(char ret[MF_SNAPSHOT_LATE_MAX],
		    const struct run_snapshot *s);
/*
 * Whether a copy may have these variables; `names` is of the header of the
 * snapshot at `path`, and may hold anything. 0 or -errno.
 */
int late_env_check(const char names[MF_SNAPSHOT_LATE_MAX], const char *path,
		   const struct env_list *env, struct err *e);

#endif
