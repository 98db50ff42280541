/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resource limits. RLIMIT_NOFILE (fs/file.c), RLIMIT_AS, RLIMIT_DATA and
 * RLIMIT_STACK (core/mm_limit.c) are enforced; the others are remembered, so
 * that a program reads back what it set.
 */
#include "core/rlimit.h"

#include <asm-generic/resource.h>

#include "core/mm.h"

#define INF RLIM64_INFINITY

static struct rlimit64 limits[RLIM_NLIMITS] = {
	[RLIMIT_CPU] = { INF, INF },
	[RLIMIT_FSIZE] = { INF, INF },
	[RLIMIT_DATA] = { INF, INF },
	[RLIMIT_STACK] = { 8u << 20, INF },
	[RLIMIT_CORE] = { 0, INF },
	[RLIMIT_RSS] = { INF, INF },
	[RLIMIT_NPROC] = { 4096, 4096 },
	[RLIMIT_NOFILE] = { 1024, 65536 },
	[RLIMIT_MEMLOCK] = { 8u << 20, 8u << 20 },
	[RLIMIT_AS] = { INF, INF },
	[RLIMIT_LOCKS] = { INF, INF },
	[RLIMIT_SIGPENDING] = { 4096, 4096 },
	[RLIMIT_MSGQUEUE] = { 819200, 819200 },
	[RLIMIT_NICE] = { 0, 0 },
	[RLIMIT_RTPRIO] = { 0, 0 },
	[RLIMIT_RTTIME] = { INF, INF },
};

int rlimit_get(uint32_t resource, struct rlimit64 *ret)
{
	if (resource >= RLIM_NLIMITS)
		return -EINVAL;
	*ret = limits[resource];
	return 0;
}

int rlimit_set(uint32_t resource, const struct rlimit64 *l)
{
	if (resource >= RLIM_NLIMITS || l->rlim_cur > l->rlim_max)
		return -EINVAL;
	if (l->rlim_max > limits[resource].rlim_max)
		return -EPERM;
	limits[resource] = *l;
	if (resource == RLIMIT_STACK)
		mm_stack_limit(l->rlim_cur);
	return 0;
}

uint64_t rlimit_value(uint32_t resource)
{
	return limits[resource].rlim_cur;
}

uint32_t rlimit_nofile(void)
{
	return (uint32_t)limits[RLIMIT_NOFILE].rlim_cur;
}
