/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serving one guest: enter it, do what it rang for, look around at every
 * tick, until it ends. A doorbell's arguments are read once; a guest that
 * breaks the contract ends with a reason.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monitor/instance.h"

#define DRAIN_NS       (2ull * 1000 * 1000 * 1000)
#define LIMIT_CHECK_NS (8u * 1000 * 1000)
#define LOOK_NS_MAX    (1024u * 1000 * 1000) /* at a waiting guest's memory */
#define PANIC_TEXT_MAX 256

static void broke_contract(struct instance *inst, const char *what)
{
	instance_finish(inst, MF_EXIT_CONTRACT, 0, "%s", what);
}

/* ---- memory in use ------------------------------------------------------ */

/* Bytes of guest memory the host really holds. */
static uint64_t resident_bytes(const struct instance *inst)
{
	char text[128];
	unsigned long total, resident, shared;
	ssize_t n = pread(inst->statm_fd, text, sizeof(text) - 1, 0);
	char *at = text;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	total = strtoul(at, &at, 10);
	resident = strtoul(at, &at, 10);
	shared = strtoul(at, &at, 10);
	(void)total;
	if (inst->mem.ram_fd >= 0)
		return guest_mem_file_bytes(&inst->mem);
	return (resident - shared) * MF_PAGE_SIZE;
}

void instance_check_limit(struct instance *inst)
{
	uint64_t now = host_mono_ns();
	uint64_t used;

	if (now - inst->limit_checked_ns < LIMIT_CHECK_NS)
		return;
	inst->limit_checked_ns = now;
	used = resident_bytes(inst);
	if (used > inst->exit.stats.mem_peak_bytes)
		inst->exit.stats.mem_peak_bytes = used;
	if (used <= inst->start.mem_limit)
		return;
	instance_finish(inst, MF_EXIT_OOM, 9, "it used %lu MiB",
			(unsigned long)(used >> 20));
}

/* ---- doorbells ---------------------------------------------------------- */

/* An argument of a doorbell, read once: the guest may be running. */
static uint64_t arg_read(const struct instance *inst, unsigned nr)
{
	return __atomic_load_n(&inst->shared->arg[nr], __ATOMIC_RELAXED);
}

static void mark_ready(struct instance *inst)
{
	struct mf_ctl_event *ev;

	if (inst->ready)
		return;
	inst->ready = true;
	instance_phase(inst, MF_PHASE_READY);
	ev = ctl_event(MF_EV_READY);
	memcpy(ev->u.phase_us, inst->exit.stats.phase_us,
	       sizeof(ev->u.phase_us));
	ctl_send(ev, "", 0);
}

/* Something in the shared page waits for the kernel. */
static bool news_waiting(const struct instance *inst)
{
	return inst->nudge || atomic_load(&inst->shared->signals) != 0;
}

/* A guest in a process of its own can end while it waits. */
static bool guest_is_gone(const struct instance *inst)
{
	struct pollfd p = { .fd = inst->watch_fd, .events = POLLIN };

	return inst->watch_fd >= 0 && poll(&p, 1, 0) > 0;
}

/*
 * A guest in a process of its own may say that it waits and go on computing:
 * its memory is looked at all the same, ever more rarely.
 */
static void wait_for_guest(struct instance *inst, uint64_t deadline_ns)
{
	uint64_t look_ns = LIMIT_CHECK_NS;

	while (!inst->done && !rings_have_completions(&inst->rings) &&
	       !news_waiting(inst)) {
		uint64_t timeout = clock_timeout_ns(inst, deadline_ns);
		bool look = inst->watch_fd >= 0 && look_ns < timeout;
		int woke;

		woke = rings_wait(&inst->rings, look ? look_ns : timeout,
				  MF_CTL_FD);
		if (woke < 0)
			broke_contract(inst, rings_error(&inst->rings));
		if (!timeout && woke == RINGS_WAKE_TIMEOUT)
			return;
		if (look && woke == RINGS_WAKE_TIMEOUT) {
			instance_check_limit(inst);
			if (look_ns < LOOK_NS_MAX)
				look_ns *= 2;
		}
		if (woke < 0 || !(woke & RINGS_WAKE_EXTRA))
			continue;
		ctl_poll(inst);
		if (guest_is_gone(inst))
			return;
	}
}

static void do_ring(struct instance *inst)
{
	uint64_t flags = arg_read(inst, 0);
	uint64_t deadline = arg_read(inst, 1);

	/* A wait looks by itself. */
	if (rings_submit(&inst->rings) < 0 ||
	    (!(flags & MF_RING_WAIT) && rings_poll(&inst->rings) < 0)) {
		broke_contract(inst, rings_error(&inst->rings));
		return;
	}
	if (flags & MF_RING_READY)
		mark_ready(inst);
	if (flags & MF_RING_WAIT) {
		wait_for_guest(inst, deadline);
		inst->nudge = false; /* who idles looks */
	}
	if (flags & MF_RING_FLUSH)
		inst->ops->flush(inst);
	clock_update(inst, false);
}

static void do_exit(struct instance *inst)
{
	uint32_t status = (uint32_t)arg_read(inst, 0);

	if (WIFSIGNALED(status))
		instance_finish(inst, MF_EXIT_SIGNAL, status & 0x7f,
				"killed by signal %u", status & 0x7f);
	else
		instance_finish(inst, MF_EXIT_FINISHED, status & 0xff00,
				"exited with status %u", status >> 8 & 0xff);
}

static void do_panic(struct instance *inst)
{
	gpa_t gpa = { arg_read(inst, 0) };
	uint64_t len = arg_read(inst, 1);
	char text[PANIC_TEXT_MAX] = "it gave no reason";
	const char *from;

	if (len >= sizeof(text))
		len = sizeof(text) - 1;
	from = guest_mem_range(&inst->mem, gpa, len);
	if (from && len) {
		memcpy(text, from, len);
		text[len] = '\0';
	}
	for (char *p = text; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	instance_finish(inst, MF_EXIT_PANIC, 0, "%s", text);
}

static int64_t do_grow(struct instance *inst)
{
	uint64_t size = arg_read(inst, 0);
	int err;

	if (size % MF_HUGE_SIZE || size <= inst->mem.ram_size ||
	    size > inst->mem.ram_max)
		return -EINVAL;
	err = inst->ops->grow(inst, size);
	if (!err)
		inst->mem.ram_size = size;
	return err;
}

static int64_t discard(struct instance *inst, const struct mf_range *r)
{
	void *at = guest_mem_range(&inst->mem, (gpa_t){ r->gpa }, r->len);

	if (!at || (r->gpa | r->len) % MF_PAGE_SIZE || r->gpa < MF_PT_GPA)
		return -EINVAL;
	/* REMOVE also frees the pages of a memfd. */
	if (inst->mem.ram_fd >= 0)
		return madvise(at, r->len, MADV_REMOVE) < 0 ? -errno : 0;
	if (inst->ranges)
		return restore_discard(inst, r->gpa, r->len);
	return madvise(at, r->len, MADV_DONTNEED) < 0 ? -errno : 0;
}

static int64_t do_discard(struct instance *inst)
{
	static struct mf_range ranges[MF_DISCARD_MAX];
	gpa_t gpa = { arg_read(inst, 0) };
	uint64_t count = arg_read(inst, 1);
	uint64_t flags = arg_read(inst, 2);
	const void *from;
	int64_t err = 0;

	if (count > MF_DISCARD_MAX || (flags & ~(uint64_t)MF_DISCARD_FLUSH))
		return -EINVAL;
	from = guest_mem_range(&inst->mem, gpa, count * sizeof(ranges[0]));
	if (!from)
		return -EINVAL;
	memcpy(ranges, from, count * sizeof(ranges[0]));
	for (uint64_t i = 0; i < count && !err; i++)
		err = discard(inst, &ranges[i]);
	if (flags & MF_DISCARD_FLUSH)
		inst->ops->flush(inst);
	return err;
}

static void do_crash(struct instance *inst)
{
	gpa_t gpa = { arg_read(inst, 0) }, bt_gpa = { arg_read(inst, 1) };
	static struct mf_backtrace bt;
	struct mf_ctl_event *ev;
	const void *from =
		guest_mem_range(&inst->mem, gpa, sizeof(ev->u.crash));
	const void *bt_from = guest_mem_range(&inst->mem, bt_gpa, sizeof(bt));

	if (!from || (bt_gpa.v && !bt_from)) {
		broke_contract(inst, "the guest reported a crash at an "
				     "address outside its memory");
		return;
	}
	rings_submit(&inst->rings);
	ev = ctl_event(MF_EV_CRASH);
	memcpy(&ev->u.crash, from, sizeof(ev->u.crash));
	if (bt_gpa.v)
		memcpy(&bt, bt_from, sizeof(bt));
	ctl_send(ev, (const char *)&bt, bt_gpa.v ? sizeof(bt) : 0);
}

static int64_t do_trace(struct instance *inst)
{
	gpa_t gpa = { arg_read(inst, 0) };
	uint64_t len = arg_read(inst, 1);
	uint64_t seq = arg_read(inst, 2);

	return trace_carry(inst, gpa, len, seq);
}

static void do_doorbell(struct instance *inst, uint32_t op)
{
	struct mf_ctl_stats *st = &inst->exit.stats;
	char text[64];
	int64_t ret = 0;

	st->exits++;
	if (op < sizeof(st->doorbells) / sizeof(st->doorbells[0]))
		st->doorbells[op]++;
	switch ((enum mf_doorbell)op) {
	case MF_DB_RING:
		do_ring(inst);
		break;
	case MF_DB_FLUSH:
		ret = inst->ops->flush(inst);
		break;
	case MF_DB_EXIT:
		do_exit(inst);
		break;
	case MF_DB_PANIC:
		do_panic(inst);
		break;
	case MF_DB_GROW:
		ret = do_grow(inst);
		break;
	case MF_DB_DISCARD:
		ret = do_discard(inst);
		break;
	case MF_DB_CRASH:
		do_crash(inst);
		break;
	case MF_DB_TRACE:
		ret = do_trace(inst);
		break;
	case MF_DB_SNAPSHOT:
		snapshot_take(inst);
		break;
	default:
		snprintf(text, sizeof(text),
			 "the guest rang doorbell %u, which does not exist",
			 op);
		broke_contract(inst, text);
		break;
	}
	inst->shared->ret = ret;
	instance_check_limit(inst);
}

/* ---- ticks -------------------------------------------------------------- */

static void do_tick(struct instance *inst)
{
	inst->exit.stats.ticks++;
	if (rings_submit(&inst->rings) < 0 || rings_poll(&inst->rings) < 0) {
		broke_contract(inst, rings_error(&inst->rings));
		return;
	}
	ctl_poll(inst);
	instance_check_limit(inst);
	clock_update(inst, false);
	if (inst->done)
		return;
	if (!atomic_load(&inst->shared->want_tick) && !news_waiting(inst) &&
	    !rings_have_completions(&inst->rings))
		return;
	if (!inst->shared->upcall_config.upcall_entry)
		return; /* the kernel is still booting */
	inst->nudge = false;
	if (inst->ops->upcall_tick(inst) < 0)
		instance_finish(inst, MF_EXIT_HOST, 0,
				"the guest cannot be interrupted");
}

/* ---- the end ------------------------------------------------------------ */

static uint64_t timeval_us(const struct timeval *tv)
{
	return (uint64_t)tv->tv_sec * 1000000u + (uint64_t)tv->tv_usec;
}

static void fill_stats(struct instance *inst)
{
	struct mf_ctl_stats *st = &inst->exit.stats;
	struct rusage self, child;
	uint64_t khz = inst->clock.tsc_khz, total;

	memcpy(&st->guest, inst->mem.ram + MF_STATS_GPA, sizeof(st->guest));
	getrusage(RUSAGE_SELF, &self);
	getrusage(RUSAGE_CHILDREN, &child);
	total = timeval_us(&self.ru_utime) + timeval_us(&self.ru_stime) +
		timeval_us(&child.ru_utime) + timeval_us(&child.ru_stime);
	st->cpu_us = total - inst->cpu_billed_us;
	inst->cpu_billed_us = total;
	st->run_us = (host_mono_ns() - inst->started_ns) / 1000;
	st->bytes_in = inst->rings.bytes_in;
	st->bytes_out = inst->rings.bytes_out;
	inst->limit_checked_ns = 0;
	instance_check_limit(inst);
	/* The guest's own word; nonsense in it harms nobody. */
	if (khz && st->guest.main_tsc > st->guest.entry_tsc)
		st->phase_us[MF_PHASE_BOOT] =
			(st->guest.main_tsc - st->guest.entry_tsc) * 1000 / khz;
}

void run_instance(struct instance *inst)
{
	struct vm_exit exit = { 0 };

	inst->started_ns = inst->phase_ns = host_mono_ns();
	clock_update(inst, true);
	while (!inst->done) {
		inst->ops->run(inst, &exit);
		switch (exit.kind) {
		case VM_EXIT_DOORBELL:
			do_doorbell(inst, exit.doorbell);
			break;
		case VM_EXIT_TICK:
			do_tick(inst);
			break;
		case VM_EXIT_HOST:
			instance_finish(inst, MF_EXIT_HOST, 0, "%s",
					exit.reason);
			break;
		case VM_EXIT_DEAD:
		default:
			broke_contract(inst, exit.reason);
			break;
		}
	}
	rings_drain(&inst->rings, DRAIN_NS);
	if (inst->ops->fini)
		inst->ops->fini(inst);
	fill_stats(inst); /* after fini: a child that was reaped counts */
}
