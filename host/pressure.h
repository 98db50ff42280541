/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether memory is short, as Linux's pressure stall information tells: of the
 * machine, and of our cgroup where version 2 has it.
 */
#ifndef HOST_PRESSURE_H
#define HOST_PRESSURE_H

#include <stdint.h>

struct pressure {
	uint32_t some_milli; /* of the last 10 s, thousandths in which some
			      * process waited for memory */
	uint32_t full_milli; /* in which all did */
	uint64_t some_us, full_us; /* since the start */
};

/*
 * The worse of both. `root` stands before every path, "" for the real ones.
 * -ENOENT or -EOPNOTSUPP where Linux does not tell.
 */
int pressure_read(const char *root, struct pressure *ret);

/*
 * A descriptor that has EPOLLPRI whenever processes waited for memory for
 * `stall_us` of the last `window_us`, 500 ms to 10 s, of an ordinary user 2, 4,
 * 6, 8 or 10 s; at most once a window. Or -errno.
 */
int pressure_open(uint32_t stall_us, uint32_t window_us);

#endif
