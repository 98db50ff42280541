/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much this machine, and the cgroups that we are in, still have. What
 * cannot be read does not limit anything. `root` is where /proc and the
 * cgroups are: "" but for tests.
 */
#ifndef LAUNCH_HOST_ROOM_H
#define LAUNCH_HOST_ROOM_H

#include <stdint.h>

/*
 * Bytes of memory: available, and below the limits of the cgroups, v1 or v2,
 * where what the host can take back counts as free. UINT64_MAX: not known.
 */
uint64_t host_room_memory(const char *root);

/* Processes and threads that can still be made. */
uint64_t host_room_tasks(const char *root);

/*
 * How many processes the host has ended because memory ran out: of our
 * cgroup, or else at all. Grows, and counts from anywhere.
 */
uint64_t host_room_oom_kills(const char *root);

#endif
