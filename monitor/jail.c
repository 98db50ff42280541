/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jail, entered before the first guest instruction.
 */
#include <errno.h>
#include <fcntl.h>

#include "monitor/instance.h"

int jail_enter(struct instance *inst, struct err *e)
{
	inst->statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	if (inst->statm_fd < 0)
		return err_sys(e, errno, "cannot open /proc/self/statm");
	return 0;
}
