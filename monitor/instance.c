/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small facts about an instance that every part of the monitor notes: the
 * time, the phases of its start, why it ends.
 */
#include "monitor/instance.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

uint64_t host_mono_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void instance_phase(struct instance *inst, enum mf_phase phase)
{
	uint64_t now = host_mono_ns();

	inst->exit.stats.phase_us[phase] += (now - inst->phase_ns) / 1000;
	inst->phase_ns = now;
}

void instance_finish(struct instance *inst, enum mf_exit_reason reason,
		     uint32_t status, const char *fmt, ...)
{
	va_list ap;

	if (inst->done)
		return;
	inst->done = true;
	inst->exit.reason = reason;
	inst->exit.status = status;
	va_start(ap, fmt);
	vsnprintf(inst->exit_text, sizeof(inst->exit_text), fmt, ap);
	va_end(ap);
}
