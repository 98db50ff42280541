/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether there is room for all clones, asked before the first one starts:
 * running out in the middle would take the host's other programs along.
 * What a clone costs is estimated for one that has started and waits; what
 * it uses later is the operator's to know, as --overcommit is.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/clone_group.h"
#include "host/cleanup.h"
#include "host/snapshot_check.h"
#include "launch/host_room.h"

#define FDS_EACH   2u /* control socket, door */
#define FDS_OTHER  96u
#define TASKS_EACH 2u /* the monitor, and its vCPU's helper or its guest */

/*
 * Memory of a clone beside the snapshot's pages, measured (bench/clones):
 * the monitor's, the guest's page tables, and the host kernel's, which for
 * a VM also grows with the memory it may map.
 */
#define KVM_BYTES     (640u << 10)
#define PROCESS_BYTES (512u << 10)
#define SLOT_PART     512u
/* Of a snapshot that is mapped: what a clone writes to until it waits. */
#define TOUCHED_PART 8u

struct need {
	uint64_t each; /* of a clone */
	uint64_t other; /* of the command */
	uint64_t have;
};

static uint32_t fitting(const struct need *n)
{
	uint64_t fit = n->have > n->other ? (n->have - n->other) / n->each : 0;

	return fit > RUN_CLONES_MAX ? RUN_CLONES_MAX : (uint32_t)fit;
}

static bool suffices(const struct need *n, uint32_t clones)
{
	return fitting(n) >= clones;
}

/* To the hard limit; above it if we may, which root may. */
static uint64_t raise_limit(int resource, uint64_t want)
{
	struct rlimit r, more;

	if (getrlimit(resource, &r) < 0)
		return UINT64_MAX;
	if (r.rlim_cur >= want)
		return r.rlim_cur;
	more = (struct rlimit){ want, want > r.rlim_max ? want : r.rlim_max };
	if (setrlimit(resource, &more) == 0)
		return want;
	more = (struct rlimit){ r.rlim_max, r.rlim_max };
	return setrlimit(resource, &more) == 0 ? r.rlim_max : r.rlim_cur;
}

static int check_descriptors(const struct run_options *o, struct err *e)
{
	struct need n = { .each = FDS_EACH,
			  .other = FDS_OTHER + o->port_count };
	uint64_t sum = n.each * o->clones + n.other;

	n.have = raise_limit(RLIMIT_NOFILE, sum);
	if (suffices(&n, o->clones))
		return 0;
	return err_set(e, EMFILE,
		       "%u clones need %llu descriptors and %llu are allowed, "
		       "which does for %u: raise the limit (ulimit -n) or "
		       "start fewer",
		       o->clones, (unsigned long long)sum,
		       (unsigned long long)n.have, fitting(&n));
}

static int check_tasks(const struct run_options *o, struct err *e)
{
	struct need n = { .each = TASKS_EACH, .other = 16 };
	uint64_t sum = n.each * o->clones + n.other, ours = UINT64_MAX;

	n.have = host_room_tasks("");
	if (geteuid() != 0)
		ours = raise_limit(RLIMIT_NPROC, sum);
	if (ours < n.have)
		n.have = ours;
	if (suffices(&n, o->clones))
		return 0;
	return err_set(e, EAGAIN,
		       "%u clones need %llu processes and threads and %llu are "
		       "left, which does for %u: raise kernel.pid_max, "
		       "ulimit -u or the cgroup's pids.max, or start fewer",
		       o->clones, (unsigned long long)sum,
		       (unsigned long long)n.have, fitting(&n));
}

/*
 * Of the snapshot's memory: what is copied at the start, as in
 * monitor/restore.c, or a guess where nothing is.
 */
static uint64_t data_bytes(const struct mf_snapshot_facts *f,
			   const struct mf_snapshot_range *ranges)
{
	uint64_t copied = snapshot_copied(f, ranges), all = 0;

	for (uint32_t i = 0; i < f->range_count; i++)
		all += ranges[i].len;
	return copied ? copied : all / TOUCHED_PART;
}

/* Bytes of the host's memory that nobody else has. */
static uint64_t clone_bytes(const struct mf_snapshot_facts *f,
			    const struct mf_snapshot_range *ranges)
{
	uint64_t data = data_bytes(f, ranges);

	if (f->substrate == MF_SUBSTRATE_PROCESS)
		return PROCESS_BYTES + data;
	return KVM_BYTES + data + (f->ram_size + f->image_size) / SLOT_PART;
}

static int check_memory(const struct run_options *o, const struct snapshot *s,
			struct err *e)
{
	AUTO_FREE struct mf_snapshot_range *ranges = NULL;
	struct need n = { .other = 16u << 20, .have = host_room_memory("") };
	int r = snapshot_read_table(s, &ranges, e);

	if (r < 0)
		return r;
	n.each = clone_bytes(&s->copy.facts, ranges);
	if (suffices(&n, o->clones))
		return 0;
	return err_set(e, ENOMEM,
		       "not enough memory for %u clones, each of %llu KiB at "
		       "least: %llu MiB are free, which does for %u "
		       "(--overcommit starts all the same)",
		       o->clones, (unsigned long long)(n.each >> 10),
		       (unsigned long long)(n.have >> 20), fitting(&n));
}

int clones_check_room(const struct run_options *o, const struct snapshot *s,
		      struct err *e)
{
	int r = o->overcommit ? 0 : check_memory(o, s, e);

	if (r == 0)
		r = check_descriptors(o, e);
	if (r == 0)
		r = check_tasks(o, e);
	return r;
}
