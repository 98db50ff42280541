/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resource limits. RLIMIT_NOFILE (fs/file.c), RLIMIT_CPU, and RLIMIT_AS,
 * RLIMIT_DATA and RLIMIT_STACK (core/mm_limit.c) are enforced; the others are
 * remembered, so that a program reads back what it set.
 */
#include "core/rlimit.h"

#include <asm-generic/resource.h>

#include "core/cputime.h"
#include "core/mm.h"
#include "core/signal.h"

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

/* ---- CPU time ----------------------------------------------------------- */

static void cpu_used(struct cputimer *t);
static struct cputimer cpu_timer = { .fire = cpu_used };

static uint64_t in_ns(uint64_t seconds)
{
	return seconds > UINT64_MAX / NS_PER_SEC ? UINT64_MAX :
						   seconds * NS_PER_SEC;
}

static void watch_cpu(void)
{
	uint64_t first = limits[RLIMIT_CPU].rlim_cur;

	/* None at all would be over before it was set. */
	cputimer_stop(&cpu_timer);
	if (first != INF)
		cputimer_start(&cpu_timer, in_ns(first ? first : 1));
}

/* At the soft limit and each second from there on; at the hard one no more. */
static void cpu_used(struct cputimer *t)
{
	struct ksiginfo info = { .signo = SIGXCPU, .code = SI_KERNEL };

	if (cputime_process() >= in_ns(limits[RLIMIT_CPU].rlim_max))
		info.signo = SIGKILL;
	signal_send_process_info(&info);
	cputimer_start(t, t->target_ns + NS_PER_SEC);
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
	if (resource == RLIMIT_CPU)
		watch_cpu();
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
