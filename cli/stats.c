/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --stats: one JSON object. The names of system calls come from the
 * system's own header, at build time (see Makefile).
 */
#include <jansson.h>
#include <stdio.h>

#include "cli/report.h"
#include "host/cleanup.h"

static const char *const syscall_names[MF_STATS_SYSCALLS] = {
#include "cli/syscall_names.inc"
};

static const char *const reason_names[] = {
	[0] = "killed",
	[MF_EXIT_FINISHED] = "finished",
	[MF_EXIT_SIGNAL] = "signal",
	[MF_EXIT_OOM] = "out-of-memory",
	[MF_EXIT_CONTRACT] = "contract",
	[MF_EXIT_PANIC] = "panic",
	[MF_EXIT_HOST] = "host",
	[MF_EXIT_PARENT] = "parent",
};

static const char *const doorbell_names[16] = {
	[MF_DB_RING] = "ring",	 [MF_DB_FLUSH] = "flush",
	[MF_DB_EXIT] = "exit",	 [MF_DB_PANIC] = "panic",
	[MF_DB_GROW] = "grow",	 [MF_DB_DISCARD] = "discard",
	[MF_DB_CRASH] = "crash", [MF_DB_TRACE] = "trace",
};

static const char *const phase_names[MF_PHASE_COUNT] = {
	[MF_PHASE_SETUP] = "setup", [MF_PHASE_VM] = "vm",
	[MF_PHASE_JAIL] = "jail",   [MF_PHASE_BOOT] = "boot",
	[MF_PHASE_READY] = "ready",
};

static const char *const jail_names[] = { "uid", "root", "capabilities",
					  "seccomp" };

static void put(json_t *o, const char *name, uint64_t value)
{
	json_object_set_new(o, name, json_integer((json_int_t)value));
}

/* Counters that are not zero, by name; by number where there is none. */
static json_t *counters(const uint64_t *values, const char *const *names,
			unsigned count)
{
	json_t *o = json_object();
	char number[16];
	unsigned i;

	for (i = 0; i < count; i++) {
		if (values[i] == 0)
			continue;
		snprintf(number, sizeof(number), "%u", i);
		put(o, names[i] ? names[i] : number, values[i]);
	}
	return o;
}

static json_t *phases(const struct report *r)
{
	json_t *o = json_object();
	unsigned i;

	put(o, "open", r->times.open_us);
	put(o, "spawn", r->times.spawn_us);
	for (i = 0; i < MF_PHASE_COUNT; i++)
		put(o, phase_names[i], r->out->exit.stats.phase_us[i]);
	return o;
}

static const char *reason_of(const struct outcome *out)
{
	if (out->timed_out)
		return "timeout";
	if (!out->exited ||
	    out->exit.reason >= sizeof(reason_names) / sizeof(reason_names[0]))
		return reason_names[0];
	return reason_names[out->exit.reason];
}

/* What the monitor gave up: names of enum mf_jail. */
static json_t *jail(uint32_t bits)
{
	json_t *a = json_array();
	unsigned i;

	for (i = 0; i < sizeof(jail_names) / sizeof(jail_names[0]); i++)
		if (bits & (1u << i))
			json_array_append_new(a, json_string(jail_names[i]));
	return a;
}

static void put_stats(json_t *o, const struct mf_ctl_stats *s)
{
	put(o, "run_us", s->run_us);
	put(o, "cpu_us", s->cpu_us);
	put(o, "memory_peak_bytes", s->mem_peak_bytes);
	put(o, "guest_memory_peak_bytes", s->guest.mem_peak);
	put(o, "bytes_in", s->bytes_in);
	put(o, "bytes_out", s->bytes_out);
	json_object_set_new(o, "jail", jail(s->jail));
	put(o, "exits", s->exits);
	put(o, "ticks", s->ticks);
	put(o, "traps", s->traps);
	put(o, "threads_peak", s->guest.threads_peak);
	put(o, "thread_switches", s->guest.switches);
	put(o, "upcalls", s->guest.upcalls);
	json_object_set_new(o, "doorbells",
			    counters(s->doorbells, doorbell_names, 16));
	json_object_set_new(o, "syscalls",
			    counters(s->guest.syscalls, syscall_names,
				     MF_STATS_SYSCALLS));
}

void report_stats(const struct report *r, int status)
{
	AUTO_FREE char *text = NULL;
	json_t *o;

	json_object_seed(1);
	o = json_object();
	put(o, "status", (uint64_t)status);
	json_object_set_new(o, "reason", json_string(reason_of(r->out)));
	json_object_set_new(o, "substrate",
			    json_string(r->substrate == MF_SUBSTRATE_KVM ?
						"kvm" :
						"process"));
	json_object_set_new(o, "phases_us", phases(r));
	put(o, "total_us", r->times.total_us);
	put_stats(o, &r->out->exit.stats);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (text)
		dprintf(2, "%s\n", text);
}
