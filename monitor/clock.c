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
#define RENEW_PART     4 /* of its age: a young rate is less exact */
#define GUEST_EPOCH_NS 1000000000ull /* the guest's clock starts at 1 s */
#define SLOWER	       2000u /* 0.05 %, more than a rate is ever off */
#define CALIBRATE_NS   (200u * 1000) /* the least span for a rate */
#define TRUST_NS       (100u * 1000 * 1000) /* exact to 1 ppm from here on */
#define SAMPLES	       8
#define GOOD_TICKS     400 /* a sample this narrow is good enough */
#define NS_PER_SEC_U64 1000000000ull

static uint64_t clock_ns_of(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC_U64 + (uint64_t)ts.tv_nsec;
}

/*
 * Clocks and TSC at one instant. The host may take the CPU away in between;
 * of several tries the one that took the fewest ticks counts.
 */
static struct clock_sample take_sample(void)
{
	struct clock_sample best = { 0, 0, 0 };
	uint64_t width_min = UINT64_MAX;

	for (int i = 0; i < SAMPLES && width_min > GOOD_TICKS; i++) {
		uint64_t tsc0 = __rdtsc(), tsc1;
		struct clock_sample s;

		s.mono_ns = host_mono_ns();
		tsc1 = __rdtsc();
		s.real_ns = clock_ns_of(CLOCK_REALTIME);
		s.tsc = tsc0 + (tsc1 - tsc0) / 2;
		tsc1 = __rdtsc();
		if (tsc1 - tsc0 >= width_min)
			continue;
		width_min = tsc1 - tsc0;
		best = s;
	}
	return best;
}

/* ns per tick from birth to now, 32.32 fixed point; 0: no ticks */
static uint64_t measured_mult(const struct clock_state *c,
			      const struct clock_sample *now)
{
	uint64_t ticks = now->tsc - c->birth.tsc;
	uint64_t ns = now->mono_ns - c->birth.mono_ns;

	return ticks ? (uint64_t)(((unsigned __int128)ns << 32) / ticks) : 0;
}

void clock_birth(struct instance *inst)
{
	inst->clock.birth = take_sample();
}

/*
 * The substrate may know the rate. Otherwise the start of the monitor until
 * now is the span to measure it over: 0.3 ms or so, enough for 200 ppm at
 * first, and clock_update makes it better while the guest runs.
 */
int clock_init(struct instance *inst, struct err *e)
{
	struct clock_state *c = &inst->clock;
	struct clock_sample now = take_sample();

	if (c->mult) {
		c->page_mult = 0; /* a guest that sees none of it yet */
	} else if (c->tsc_khz) {
		c->rate_known = true;
		c->mult = (1000000ull << 32) / c->tsc_khz;
	} else {
		while (now.mono_ns - c->birth.mono_ns < CALIBRATE_NS)
			now = take_sample();
		c->mult = measured_mult(c, &now);
	}
	if (!c->mult)
		return err_set(e, ENODEV,
			       "the CPU's time stamp counter does "
			       "not count");
	c->tsc_khz = (1000000ull << 32) / c->mult;
	c->tsc_offset = inst->ops->tsc_offset(inst);
	c->mono_offset_ns = now.mono_ns - (inst->start.kind == MF_START_COPY ?
						   inst->facts.mono_ns :
						   GUEST_EPOCH_NS);
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

uint64_t clock_shown_mono_ns(const struct instance *inst, uint64_t *ret_tsc)
{
	uint64_t host = clock_guest_mono_ns(inst);
	uint64_t shown;

	*ret_tsc = __rdtsc() + inst->clock.tsc_offset;
	shown = extrapolate(&inst->clock, *ret_tsc);
	return shown > host ? shown : host;
}

/*
 * The guest's clock must not go back: where it ran ahead of the host's it
 * keeps its time and runs slower until the next renewal.
 */
static void next_page(struct clock_state *c, const struct clock_sample *now)
{
	uint64_t tsc = now->tsc + c->tsc_offset;
	uint64_t mono = now->mono_ns - c->mono_offset_ns;
	uint64_t shown = c->page_mult ? extrapolate(c, tsc) : 0;

	if (!c->rate_known || now->mono_ns - c->birth.mono_ns > TRUST_NS)
		c->mult = measured_mult(c, now);
	c->page_mult = c->mult;
	if (shown > mono) {
		mono = shown;
		c->page_mult -= c->mult / SLOWER;
	}
	c->page_tsc = tsc;
	c->page_mono_ns = mono;
}

static uint64_t renew_ns(const struct clock_state *c, uint64_t mono)
{
	uint64_t part = (mono - c->birth.mono_ns) / RENEW_PART;

	return part < RENEW_NS ? part : RENEW_NS;
}

void clock_update(struct instance *inst, bool force)
{
	struct clock_state *c = &inst->clock;
	struct mf_clock *page = &inst->shared->clock;
	struct clock_sample now;
	uint64_t mono = host_mono_ns();

	if (!force && mono - c->updated_ns < renew_ns(c, mono))
		return;
	c->updated_ns = mono;
	now = take_sample();
	next_page(c, &now);
	atomic_fetch_add_explicit(&page->seq, 1, memory_order_acq_rel);
	page->mult = c->page_mult;
	page->mono_ns = c->page_mono_ns;
	page->real_ns = now.real_ns;
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
