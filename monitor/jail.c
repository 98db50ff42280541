/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jail: what the monitor, and with it the process substrate's guest,
 * gives up before the first guest instruction. jail_drop gives up privileges
 * before anything of the guest exists, so that the guest's process inherits
 * the loss; jail_close, the last step, takes the system calls.
 *
 * As root: a user of its own and an empty root directory. Started by the
 * spawner: the empty root, the user is changed already. As an ordinary user:
 * the empty root by way of a user namespace, where the host allows one. What
 * could not be given up is reported in the statistics.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "monitor/instance.h"
#include "monitor/jail_filter.inc"

/* User and group of an instance started by root: this plus its pid. */
#define UID_BASE 0x70000000u
/* Where that is no user of this user namespace: nobody. */
#define UID_FALLBACK 65534u

/* Beside the handles: console, control, memory, VM, epoll. */
#define FDS_OWN 64u

static void note(struct instance *inst, enum mf_jail given_up)
{
	inst->exit.stats.jail |= given_up;
}

/* ---- privileges ---------------------------------------------------------- */

static bool limit(int resource, uint64_t value)
{
	struct rlimit r = { value, value };

	return setrlimit(resource, &r) == 0;
}

/* As many descriptors as handles, if the host lets us have them. */
static void limit_fds(void)
{
	struct rlimit r;

	if (limit(RLIMIT_NOFILE, MF_HANDLES_MAX + FDS_OWN))
		return;
	if (getrlimit(RLIMIT_NOFILE, &r) == 0)
		limit(RLIMIT_NOFILE, r.rlim_max);
}

/*
 * A directory that was removed while we are in it is empty, cannot be
 * written to, and leaves nothing behind. The first of these places is
 * memory; a removal costs a fifth there.
 */
static bool enter_removed_dir(void)
{
	static const char *const places[] = { "/dev/shm", "/run", "/tmp",
					      "/var/tmp" };
	char path[64];

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), "%s/mayfly-XXXXXX", places[i]);
		if (!mkdtemp(path))
			continue;
		if (chdir(path) == 0)
			return rmdir(path) == 0;
		rmdir(path);
	}
	return false;
}

static bool become(uint32_t id)
{
	return setresgid(id, id, id) == 0 && setresuid(id, id, id) == 0;
}

static bool change_user(void)
{
	if (setgroups(0, NULL) < 0)
		return false;
	return become(UID_BASE + (uint32_t)getpid()) || become(UID_FALLBACK);
}

static bool drop_capabilities(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	return syscall(SYS_capset, &head, none) == 0;
}

/*
 * Into the directory we are in. The spawner of mayflyd, if it is root, starts
 * us with a user of our own and the right to do this, no more.
 */
static void change_root(struct instance *inst)
{
	bool root = geteuid() == 0;

	if (chroot(".") == 0) {
		note(inst, root ? MF_JAIL_ROOT : MF_JAIL_ROOT | MF_JAIL_UID);
		return;
	}
	/* The host may forbid it. */
	if (!root && unshare(CLONE_NEWUSER) == 0 && chroot(".") == 0)
		note(inst, MF_JAIL_ROOT);
}

int jail_drop(struct instance *inst, struct err *e)
{
	inst->statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	if (inst->statm_fd < 0)
		return err_sys(e, errno, "cannot open /proc/self/statm");
	limit_fds();
	if (enter_removed_dir())
		change_root(inst);
	if (geteuid() == 0 && change_user())
		note(inst, MF_JAIL_UID);
	if (!drop_capabilities())
		return err_sys(e, errno, "cannot drop capabilities");
	note(inst, MF_JAIL_CAPS);
	/* A change of user has made it what the host's setting says. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, errno, "cannot give up privileges");
	return 0;
}

/* ---- system calls -------------------------------------------------------- */

int jail_close(struct instance *inst, struct err *e)
{
	const struct sock_fprog kvm = { sizeof(kvm_code) / sizeof(kvm_code[0]),
					kvm_code };
	const struct sock_fprog process = {
		sizeof(process_code) / sizeof(process_code[0]), process_code
	};

	/* Linux counts a thread of its own, made at the first KVM_RUN, as
	 * ours: there only seccomp says that we make no process. */
	if (inst->ops != &substrate_kvm && !limit(RLIMIT_NPROC, 0))
		return err_sys(e, errno, "cannot limit processes to none");
	if (!limit(RLIMIT_CORE, 0) || !limit(RLIMIT_MEMLOCK, 0) ||
	    !limit(RLIMIT_MSGQUEUE, 0))
		return err_sys(e, errno, "cannot limit the monitor");
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0,
		    inst->ops == &substrate_kvm ? &kvm : &process) < 0)
		return err_sys(e, errno,
			       "cannot limit the monitor's system "
			       "calls");
	note(inst, MF_JAIL_SECCOMP);
	return 0;
}
