/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel from its first instruction to the program's. The monitor has set
 * up the boot page, the first page tables and this stack; see abi/guest.h.
 */
#include "core/main.h"
#include "core/exec.h"
#include "core/frame.h"
#include "core/mm.h"
#include "core/random.h"
#include "core/thread.h"
#include "core/trace.h"
#include "fs/file.h"
#include "fs/vfs.h"
#include "net/socket.h"

extern char boot_stack_top[];

static void check_boot_info(void)
{
	const struct mf_boot *b = kernel_boot;

	if (b->magic != MF_BOOT_MAGIC)
		kpanic("the boot page has no magic number");
	if (b->abi_version != MF_ABI_VERSION)
		kpanic("the monitor speaks version %u of the guest ABI, this "
		       "kernel version %u",
		       b->abi_version, MF_ABI_VERSION);
}

void kernel_main(void)
{
	uint64_t kstack_top = (uint64_t)(uintptr_t)boot_stack_top;
	int err;

	kernel_stats->entry_tsc = arch_tsc();
	check_boot_info();
	arch_init();
	random_init(kernel_boot->entropy, sizeof(kernel_boot->entropy));
	frame_init();
	log_init();
	arch_mmu_init();
	thread_init(kstack_top);
	mm_init();
	fd_init();
	err = vfs_init();
	if (err)
		kpanic("cannot read the image's file system: error %d", -err);
	net_init();
	trace_poll();
	exec_program(arch_frame(kstack_top));
	arch_fpu_restore(current->fpu);
	kernel_stats->main_tsc = arch_tsc();
	arch_enter_user();
}
