/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RLIMIT_FSIZE, which counts where a file grows: in writes, and where a call
 * gives it a size.
 */
#include <asm/signal.h>

#include "core/rlimit.h"
#include "core/sched.h"
#include "fs/regfile.h"

int64_t regfile_allowed(uint64_t pos, uint64_t len)
{
	uint64_t max = rlimit_value(RLIMIT_FSIZE);

	if (!len)
		return 0;
	if (pos < max)
		return (int64_t)min_u64(len, max - pos);
	signal_send_process(SIGXFSZ);
	return -EFBIG;
}
