/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls about identity, limits and the system as a whole. There is one
 * process, one CPU, one user; what would change that is refused as Linux
 * refuses it to a process without the privilege.
 */
#include <linux/capability.h>
#include <linux/resource.h>
#include <linux/sysinfo.h>
#include <linux/times.h>
#include <linux/utsname.h>

#include "core/cputime.h"
#include "core/frame.h"
#include "core/identity.h"
#include "core/mm.h"
#include "core/random.h"
#include "core/rlimit.h"
#include "core/thread.h"
#include "core/time.h"
#include "core/uaccess.h"
#include "sys/syscall.h"

static void put_name(char *field, const char *text)
{
	memcpy(field, text, min_u64(strlen(text), __NEW_UTS_LEN));
}

long sys_uname(struct mf_regs *r)
{
	struct new_utsname u = { 0 };

	put_name(u.sysname, "Linux");
	put_name(u.nodename, kernel_hostname());
	put_name(u.release, KERNEL_RELEASE);
	put_name(u.version, KERNEL_VERSION);
	put_name(u.machine, "x86_64");
	put_name(u.domainname, "(none)");
	return copy_to_user(r->rdi, &u, sizeof(u));
}

long sys_getpid(struct mf_regs *r)
{
	(void)r;
	return process_pid;
}

long sys_getppid(struct mf_regs *r)
{
	(void)r;
	return 0;
}

static long own_id(const struct mf_regs *r)
{
	return r->rdi == 0 || process_has_pid((int)r->rdi) ? PID : -ESRCH;
}

long sys_getpgid(struct mf_regs *r)
{
	return own_id(r);
}

long sys_getsid(struct mf_regs *r)
{
	return own_id(r);
}

long sys_getpgrp(struct mf_regs *r)
{
	(void)r;
	return PID;
}

long sys_setpgid(struct mf_regs *r)
{
	return r->rdi == 0 || process_has_pid((int)r->rdi) ? 0 : -ESRCH;
}

/* The first process leads its session already. */
long sys_setsid(struct mf_regs *r)
{
	(void)r;
	return -EPERM;
}

long sys_getuid(struct mf_regs *r)
{
	(void)r;
	return kernel_boot->uid;
}

long sys_getgid(struct mf_regs *r)
{
	(void)r;
	return kernel_boot->gid;
}

long sys_geteuid(struct mf_regs *r)
{
	return sys_getuid(r);
}

long sys_getegid(struct mf_regs *r)
{
	return sys_getgid(r);
}

/* Identities do not change; asking for the one in force is fine. */
static long set_id(uint64_t want, uint32_t have)
{
	if ((uint32_t)want == have || (uint32_t)want == UINT32_MAX)
		return 0;
	return have == 0 ? 0 : -EPERM;
}

long sys_setuid(struct mf_regs *r)
{
	return set_id(r->rdi, kernel_boot->uid);
}

long sys_setgid(struct mf_regs *r)
{
	return set_id(r->rdi, kernel_boot->gid);
}

long sys_setgroups(struct mf_regs *r)
{
	(void)r;
	return kernel_boot->uid == 0 ? 0 : -EPERM;
}

long sys_getgroups(struct mf_regs *r)
{
	return (int)r->rdi < 0 ? -EINVAL : 0;
}

static long get_three(const struct mf_regs *r, uint32_t id)
{
	if (copy_to_user(r->rdi, &id, 4) < 0 ||
	    copy_to_user(r->rsi, &id, 4) < 0 ||
	    copy_to_user(r->rdx, &id, 4) < 0)
		return -EFAULT;
	return 0;
}

long sys_getresuid(struct mf_regs *r)
{
	return get_three(r, kernel_boot->uid);
}

long sys_getresgid(struct mf_regs *r)
{
	return get_three(r, kernel_boot->gid);
}

long sys_capget(struct mf_regs *r)
{
	struct __user_cap_header_struct h;
	struct __user_cap_data_struct d[2] = { 0 };

	if (copy_from_user(&h, r->rdi, sizeof(h)) < 0)
		return -EFAULT;
	if (h.version != _LINUX_CAPABILITY_VERSION_3 &&
	    h.version != _LINUX_CAPABILITY_VERSION_1) {
		h.version = _LINUX_CAPABILITY_VERSION_3;
		copy_to_user(r->rdi, &h, sizeof(h));
		return r->rsi ? -EINVAL : 0;
	}
	if (!r->rsi)
		return 0;
	return copy_to_user(r->rsi, d,
			    h.version == _LINUX_CAPABILITY_VERSION_3 ?
				    sizeof(d) :
				    sizeof(d[0]));
}

long sys_capset(struct mf_regs *r)
{
	(void)r;
	return 0;
}

long sys_getrandom(struct mf_regs *r)
{
	if (r->rdx & ~7ull || (r->rdx & 6) == 6)
		return -EINVAL;
	if (!user_can_write(r->rdi, r->rsi))
		return -EFAULT;
	random_fill((void *)(uintptr_t)r->rdi, r->rsi);
	return (long)r->rsi;
}

long sys_sysinfo(struct mf_regs *r)
{
	struct sysinfo s = { 0 };
	uint64_t used = frame_used_bytes();
	uint64_t total = kernel_boot->mem_limit;

	s.uptime = (long)(time_mono_ns() / NS_PER_SEC);
	s.totalram = total;
	s.freeram = used < total ? total - used : 0;
	s.procs = (uint16_t)thread_count;
	s.mem_unit = 1;
	return copy_to_user(r->rdi, &s, sizeof(s));
}

static void fill_rusage(struct rusage *u, uint64_t cpu_ns)
{
	memset(u, 0, sizeof(*u));
	u->ru_utime.tv_sec = (long)(cpu_ns / NS_PER_SEC);
	u->ru_utime.tv_usec = (long)(cpu_ns % NS_PER_SEC / 1000);
	u->ru_maxrss = (long)(kernel_stats->mem_peak >> 10);
	u->ru_nvcsw = (long)kernel_stats->switches;
}

long sys_getrusage(struct mf_regs *r)
{
	struct rusage u;

	switch ((int)r->rdi) {
	case RUSAGE_SELF:
		fill_rusage(&u, cputime_process());
		break;
	case 1: /* RUSAGE_THREAD */
		fill_rusage(&u, cputime_thread(current));
		break;
	case RUSAGE_CHILDREN:
		memset(&u, 0, sizeof(u));
		break;
	default:
		return -EINVAL;
	}
	return copy_to_user(r->rsi, &u, sizeof(u));
}

long sys_times(struct mf_regs *r)
{
	const uint64_t tick_ns = NS_PER_SEC / 100;
	struct tms t = { 0 };

	t.tms_utime = (long)(cputime_process() / tick_ns);
	if (r->rdi && copy_to_user(r->rdi, &t, sizeof(t)) < 0)
		return -EFAULT;
	return (long)(time_mono_ns() / tick_ns);
}

/* ---- limits ------------------------------------------------------------- */

long sys_getrlimit(struct mf_regs *r)
{
	struct rlimit64 l;
	int err = rlimit_get((uint32_t)r->rdi, &l);

	return err ? err : copy_to_user(r->rsi, &l, sizeof(l));
}

long sys_setrlimit(struct mf_regs *r)
{
	struct rlimit64 l;

	if (copy_from_user(&l, r->rsi, sizeof(l)) < 0)
		return -EFAULT;
	return rlimit_set((uint32_t)r->rdi, &l);
}

long sys_prlimit64(struct mf_regs *r)
{
	struct rlimit64 old, l;
	int err;

	if (r->rdi != 0 && !process_has_pid((int)r->rdi))
		return -ESRCH;
	err = rlimit_get((uint32_t)r->rsi, &old);
	if (err)
		return err;
	if (r->rdx) {
		if (copy_from_user(&l, r->rdx, sizeof(l)) < 0)
			return -EFAULT;
		err = rlimit_set((uint32_t)r->rsi, &l);
		if (err)
			return err;
	}
	return r->r10 ? copy_to_user(r->r10, &old, sizeof(old)) : 0;
}

/* ---- the one CPU -------------------------------------------------------- */

long sys_sched_getaffinity(struct mf_regs *r)
{
	uint64_t mask = 1;

	if (r->rsi < 8 || r->rsi % 8)
		return -EINVAL;
	if (r->rdi && !thread_find((int)r->rdi))
		return -ESRCH;
	if (copy_to_user(r->rdx, &mask, sizeof(mask)) < 0)
		return -EFAULT;
	return 8;
}

long sys_sched_setaffinity(struct mf_regs *r)
{
	uint8_t first;

	if (r->rdi && !thread_find((int)r->rdi))
		return -ESRCH;
	if (!r->rsi || copy_from_user(&first, r->rdx, 1) < 0)
		return -EFAULT;
	return first & 1 ? 0 : -EINVAL;
}

long sys_getcpu(struct mf_regs *r)
{
	uint32_t zero = 0;

	if (r->rdi && copy_to_user(r->rdi, &zero, 4) < 0)
		return -EFAULT;
	return r->rsi ? copy_to_user(r->rsi, &zero, 4) : 0;
}

/* One policy, one priority: SCHED_OTHER, 0. */
long sys_sched_getscheduler(struct mf_regs *r)
{
	return r->rdi && !thread_find((int)r->rdi) ? -ESRCH : 0;
}

long sys_sched_getparam(struct mf_regs *r)
{
	int32_t priority = 0;

	if (r->rdi && !thread_find((int)r->rdi))
		return -ESRCH;
	return copy_to_user(r->rsi, &priority, sizeof(priority));
}

long sys_sched_setscheduler(struct mf_regs *r)
{
	return r->rsi == 0 || r->rsi == 3 || r->rsi == 5 ? 0 : -EPERM;
}

long sys_sched_setparam(struct mf_regs *r)
{
	int32_t priority;

	if (copy_from_user(&priority, r->rsi, sizeof(priority)) < 0)
		return -EFAULT;
	return priority ? -EINVAL : 0;
}

static bool is_realtime(uint64_t policy)
{
	return policy == 1 || policy == 2;
}

long sys_sched_get_priority_max(struct mf_regs *r)
{
	return is_realtime(r->rdi) ? 99 : r->rdi > 6 ? -EINVAL : 0;
}

long sys_sched_get_priority_min(struct mf_regs *r)
{
	return is_realtime(r->rdi) ? 1 : r->rdi > 6 ? -EINVAL : 0;
}

long sys_getpriority(struct mf_regs *r)
{
	return r->rdi > 2 ? -EINVAL : 20;
}

long sys_setpriority(struct mf_regs *r)
{
	return r->rdi > 2 ? -EINVAL : 0;
}

long sys_personality(struct mf_regs *r)
{
	return (uint32_t)r->rdi == 0xffffffffu || r->rdi == 0 ? 0 : -EINVAL;
}

/* ---- calls whose absence every libc expects: no line in the log --------- */

static long absent(struct mf_regs *r)
{
	(void)r;
	return -ENOSYS;
}

long sys_rseq(struct mf_regs *r)
{
	return absent(r);
}

long sys_io_uring_setup(struct mf_regs *r)
{
	return absent(r);
}

long sys_get_mempolicy(struct mf_regs *r)
{
	return absent(r);
}

long sys_set_mempolicy(struct mf_regs *r)
{
	return absent(r);
}

long sys_mbind(struct mf_regs *r)
{
	return absent(r);
}
