/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walls that the host puts around an instance of a version. The monitor
 * itself counts the memory of its guest and ends it at its limit; the cgroup
 * stands behind that, for the day on which a monitor has fallen.
 */
#ifndef DAEMON_WALLS_H
#define DAEMON_WALLS_H

#include "daemon/registry/registry.h"
#include "spawner/protocol.h"

struct spawner_limits walls_of(const struct spec *spec);

#endif
