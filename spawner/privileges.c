/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of root the spawner keeps: changing the user of a process it makes, ending
 * such a process, handing on the right to change the root directory, and
 * making directories of cgroups, which belong to root but cannot be written
 * to at the top of a hierarchy.
 */
#include "spawner/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "spawner/protocol.h"

#define BIT(cap) (1u << (cap))
#define KEPT                                                 \
	(BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_KILL) | \
	 BIT(CAP_SYS_CHROOT) | BIT(CAP_DAC_OVERRIDE))

/* Monitors want one for each handle of a guest, and then some. */
#define FDS_WANTED 20480u

static void raise_fds(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return;
	if (r.rlim_max < FDS_WANTED) {
		struct rlimit more = { FDS_WANTED, FDS_WANTED };

		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			return;
	}
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

int privileges_init(struct err *e)
{
	sigset_t set;
	int fd;

	/* What mayflyd was given by whoever started it. */
	if (syscall(SYS_close_range, SPAWNER_FD + 1, ~0u, 0) < 0)
		return err_sys(e, errno, "cannot close descriptors");
	do { /* what is received later lies above the standard ones */
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return err_sys(e, errno, "cannot open /dev/null");
	} while (fd <= STDERR_FILENO);
	close(fd);
	sigfillset(&set);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return err_sys(e, errno, "cannot prepare for children");
	raise_fds();
	return chdir("/") == 0 ? 0 : err_sys(e, errno, "cannot enter /");
}

int privileges_drop(struct err *e)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct caps[2] = {
		{ .effective = KEPT, .permitted = KEPT },
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, errno, "cannot forbid new privileges");
	if (geteuid() != 0)
		return 0;
	if (syscall(SYS_capset, &head, caps) < 0)
		return err_sys(e, errno, "cannot drop capabilities");
	return 0;
}
