/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far behind the guest's own limit the wall is: page tables and the
 * shadows that KVM makes of them are an eighth at most, monitor, rings and
 * the buffers of sockets have a share of their own. Pages of image and
 * snapshot count too, but Linux takes those back before anybody is ended.
 */
#include "daemon/walls.h"

#define MEMORY_MORE (64ull << 20)
#define TASKS	    16u /* monitor, guest, and Linux's threads for KVM */

static uint64_t clamp(uint64_t value, uint64_t least, uint64_t most)
{
	if (value < least)
		return least;
	return value > most ? most : value;
}

struct spawner_limits walls_of(const struct spec *spec)
{
	struct spawner_limits l = { .pids_max = TASKS };

	l.memory_max =
		clamp(spec->memory_bytes, 0, SPAWNER_MEMORY_MAX / 2) / 8 * 9 +
		MEMORY_MORE;
	if (spec->cpu_milli)
		l.cpu_milli = (uint32_t)clamp(spec->cpu_milli,
					      SPAWNER_CPU_MILLI_MIN,
					      SPAWNER_CPU_MILLI_MAX);
	return l;
}
