/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the cgroups of this process are: /proc/self/cgroup and mountinfo
 * put together. `root` stands before every path, "" for the real ones.
 */
#ifndef HOST_CGROUP_H
#define HOST_CGROUP_H

#include <stdbool.h>
#include <stddef.h>

#define CGROUP_PATH_MAX 2048 /* bytes of one path */

/*
 * The directory of our cgroup in the hierarchy that has `controller` in
 * version 1, or in the unified one (NULL). What of the path is the mount
 * point is *ret_mount_len bytes; above it is no cgroup.
 */
bool cgroup_own_dir(char ret[CGROUP_PATH_MAX], size_t *ret_mount_len,
		    const char *root, const char *controller);

#endif
