/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking a snapshot is the kernel's own work: it gives back what it does not
 * use, puts the state of the vCPU into memory and says where to go on. So a
 * snapshot is memory and nothing else, on every substrate, and nothing of
 * the monitor has to be saved: in a copy each part that had asked the monitor
 * for something asks again.
 */
#include "core/snapshot.h"

#include "arch.h"
#include "core/exec.h"
#include "core/late_env.h"
#include "core/mm.h"
#include "core/random.h"
#include "core/reclaim.h"
#include "core/thread.h"
#include "core/time.h"
#include "core/trace.h"
#include "dev/ring.h"
#include "fs/anon.h"
#include "fs/console.h"
#include "fs/proc.h"
#include "net/inet.h"

bool snapshot_wanted(void)
{
	return kernel_boot->flags & MF_BOOT_SNAPSHOT;
}

bool snapshot_wanted_at_wait(void)
{
	return snapshot_wanted() && !(kernel_boot->flags & MF_BOOT_MARK);
}

/* In a copy. What must be its own comes first, then the outside. */
static void resume(int64_t real_offset_ns)
{
	int err = arch_mmu_resume();

	if (err)
		kpanic("cannot map the program of a snapshot: error %d", -err);
	random_init(kernel_boot->entropy, sizeof(kernel_boot->entropy));
	time_real_jumped(time_real_offset_ns() - real_offset_ns);
	timerfd_clock_set();
	thread_resume();
	exec_resume();
	late_env_resume();
	mm_wipe();
	ring_resume();
	console_resume();
	port_init();
	proc_mayfly_resume();
}

/* On the kernel stack of `current`, which may be waiting or not. */
static void take(void)
{
	int64_t real_offset_ns = time_real_offset_ns();
	uint64_t fs, gs;

	reclaim_trim();
	arch_fpu_save(current->fpu);
	fs = arch_fs_base();
	gs = arch_gs_base();
	kernel_shared->resume.tcp_port = port_listening();
	if (!arch_snapshot())
		kpanic("the monitor refuses a snapshot");
	resume(real_offset_ns);
	arch_set_fs_base(fs);
	arch_set_gs_base(gs);
	arch_fpu_restore(current->fpu);
}

bool snapshot_point(void)
{
	/* Output that succeeds at once does not end a wait: what it did is
	 * looked for here. Else its completion will. */
	if (!console_idle())
		return !ring_settle();
	if (!ring_settle())
		return true;
	take();
	return true;
}

/* Nobody else runs meanwhile: what there is to submit only gets less. */
void snapshot_mark(void)
{
	if (!snapshot_wanted())
		return;
	trace_flush();
	do
		console_drain();
	while (!ring_settle());
	take();
}
