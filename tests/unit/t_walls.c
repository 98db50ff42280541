/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walls of any function are in the ranges that the spawner accepts.
 */
#include "daemon/walls.h"
#include "tests/unit/check.h"

static void test_in_range(void)
{
	static const uint64_t memory[] = { 0, 1, 64 << 20, 16ull << 30,
					   UINT64_MAX };
	static const uint32_t cpu[] = { 0, 1, 200, 64000, UINT32_MAX };

	for (size_t i = 0; i < 5; i++) {
		const struct spec spec = { .memory_bytes = memory[i],
					   .cpu_milli = cpu[i] };
		const struct spawner_limits l = walls_of(&spec);

		check(l.memory_max >= SPAWNER_MEMORY_MIN);
		check(l.memory_max <= SPAWNER_MEMORY_MAX);
		check(l.pids_max >= SPAWNER_PIDS_MIN);
		check(l.pids_max <= SPAWNER_PIDS_MAX);
		check_int(l.pad, 0);
		check(!l.cpu_milli == !cpu[i]);
		check(!cpu[i] || l.cpu_milli >= SPAWNER_CPU_MILLI_MIN);
		check(l.cpu_milli <= SPAWNER_CPU_MILLI_MAX);
	}
}

/* The monitor's own limit comes first. */
static void test_behind_the_monitor(void)
{
	struct spec spec = { .memory_bytes = 64 << 20, .cpu_milli = 200 };

	check_int(walls_of(&spec).memory_max, (64 + 8 + 64) << 20);
	check_int(walls_of(&spec).cpu_milli, 200);
	spec.memory_bytes = 8ull << 30;
	check(walls_of(&spec).memory_max > spec.memory_bytes + (1ull << 30));
}

int main(void)
{
	RUN(test_in_range);
	RUN(test_behind_the_monitor);
	return check_done();
}
