/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest time: the clock page gives the guest a recent (TSC, time) pair and the
 * TSC's rate, from which it reads every clock without an exit. The pair is
 * renewed while the monitor runs anyway, so the host's clock adjustments reach
 * the guest and a rate that is a little off cannot add up.
 */
#include <errno.h>
#include <time.h>
#include <x86intrin.h>

#include "monitor/instance.h"

#define RENEW_NS       (50u * 1000 * 1000)
#define GUEST_EPOCH_NS 1000000000ull /* the guest's clock starts at 1 s */
#define SLOWER	       2000u /* 0.05 %, more than a rate is ever off */
#define CALIBRATE_NS   (1000u * 1000)
#define NS_PER_SEC_U64 1000000000ull

static uint64_t clock_ns_of(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC_U64 + (uint64_t)ts.tv_nsec;
}

/* Ticks per millisecond, from a span long enough for 100 ppm. */
static uint64_t measure_khz(void)
{
	uint64_t tsc0 = __rdtsc(), ns0 = host_mono_ns();
	uint64_t tsc1, ns1;

	do {
		tsc1 = __rdtsc();
		ns1 = host_mono_ns();
	} while (ns1 - ns0 < CALIBRATE_NS);
	return (tsc1 - tsc0) * 1000000u / (ns1 - ns0);
}

int clock_init(struct instance *inst, struct err *e)
{
	struct clock_state *c = &inst->clock;

	if (!c->tsc_khz)
		c->tsc_khz = measure_khz();
	if (!c->tsc_khz)
		return err_set(e, ENODEV,
			       "the CPU's time stamp counter does "
			       "not count");
	c->tsc_offset = inst->ops->tsc_offset(inst);
	c->mono_offset_ns = host_mono_ns() - GUEST_EPOCH_NS;
	clock_update(inst, true);
	return 0;
}

uint64_t clock_guest_mono_ns(const struct instance *inst)
{
	return host_mono_ns() - inst->clock.mono_offset_ns;
}

/* What the guest computes from the page in force, for a TSC of now. */
static uint64_t extrapolate(const struct clock_state *c, uint64_t tsc)
{
	return c->page_mono_ns +
	       (uint64_t)(((unsigned __int128)(tsc - c->page_tsc) *
			   c->page_mult) >>
			  32);
}

/*
 * The guest's clock must not go back: where it ran ahead of the host's it
 * keeps its time and runs slower until the next renewal.
 */
static void next_page(struct clock_state *c)
{
	uint64_t mult = (1000000ull << 32) / c->tsc_khz;
	uint64_t tsc = __rdtsc() + c->tsc_offset;
	uint64_t mono = host_mono_ns() - c->mono_offset_ns;
	uint64_t shown = c->page_mult ? extrapolate(c, tsc) : 0;

	if (shown > mono) {
		mono = shown;
		mult -= mult / SLOWER;
	}
	c->page_tsc = tsc;
	c->page_mono_ns = mono;
	c->page_mult = mult;
}

void clock_update(struct instance *inst, bool now)
{
	struct clock_state *c = &inst->clock;
	struct mf_clock *page = &inst->shared->clock;
	uint64_t mono = host_mono_ns();

	if (!now && mono - c->updated_ns < RENEW_NS)
		return;
	c->updated_ns = mono;
	next_page(c);
	atomic_fetch_add_explicit(&page->seq, 1, memory_order_acq_rel);
	page->mult = c->page_mult;
	page->mono_ns = c->page_mono_ns;
	page->real_ns = clock_ns_of(CLOCK_REALTIME);
	page->tsc = c->page_tsc;
	atomic_fetch_add_explicit(&page->seq, 1, memory_order_release);
}

uint64_t clock_timeout_ns(const struct instance *inst, uint64_t deadline_ns)
{
	uint64_t now = clock_guest_mono_ns(inst);

	if (deadline_ns == UINT64_MAX)
		return UINT64_MAX;
	return deadline_ns > now ? deadline_ns - now : 0;
}
