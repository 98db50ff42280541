/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that are not implemented: ENOSYS, and each is named once.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	for (int i = 0; i < 5; i++) {
		if (syscall(SYS_kexec_load, 0, 0, 0, 0) != -1 ||
		    errno != ENOSYS)
			return 1;
		if (syscall(499) != -1 || errno != ENOSYS)
			return 2;
	}
	printf("%s\n", strerror(errno));
	return 0;
}
