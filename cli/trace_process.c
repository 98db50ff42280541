/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments about the process, its threads, time and limits in words, and
 * which arguments a call has at all where that depends on others.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/prctl.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "cli/trace_call.h"

typedef unsigned long long ull;

/* ---- time --------------------------------------------------------------- */

static void put_time(struct text *t, const int64_t v[2], const char *part)
{
	text_printf(t, "{tv_sec=%lld, tv_%s=%llu}", (long long)v[0], part,
		    (ull)v[1]);
}

static void put_interval(struct text *t, const int64_t v[4], const char *part)
{
	text_puts(t, "{it_interval=");
	put_time(t, v, part);
	text_puts(t, ", it_value=");
	put_time(t, v + 2, part);
	text_puts(t, "}");
}

TRACE_ARG(timespec)
{
	int64_t v[2];

	(void)with;
	if (trace_get_arg(c, i, v, sizeof(v)))
		put_time(c->out, v, "nsec");
}

/* Filled in only if a signal ended the sleep. */
TRACE_ARG(remaining)
{
	if (c->failed && c->arg[i] && c->ret == -EINTR)
		trace_arg_timespec(c, i, with);
	else
		text_addr(c->out, c->arg[i]);
}

TRACE_ARG(timeval)
{
	int64_t v[2];

	(void)with;
	if (trace_get_arg(c, i, v, sizeof(v)))
		put_time(c->out, v, "usec");
}

TRACE_ARG(itimerval)
{
	int64_t v[4];

	(void)with;
	if (trace_get_arg(c, i, v, sizeof(v)))
		put_interval(c->out, v, "usec");
}

TRACE_ARG(itimerspec)
{
	int64_t v[4];

	(void)with;
	if (trace_get_arg(c, i, v, sizeof(v)))
		put_interval(c->out, v, "nsec");
}

TRACE_ARG(mem_time)
{
	int64_t v;

	(void)with;
	if (!trace_get_arg(c, i, &v, sizeof(v)))
		return;
	text_printf(c->out, "[%lld /* ", (long long)v);
	trace_put_time_comment(c->out, v, 0, 0);
	text_puts(c->out, " */]");
}

TRACE_ARG(tms)
{
	struct tms t;

	(void)with;
	if (trace_get_arg(c, i, &t, sizeof(t)))
		text_printf(c->out,
			    "{tms_utime=%ld, tms_stime=%ld, tms_cutime=%ld, "
			    "tms_cstime=%ld}",
			    t.tms_utime, t.tms_stime, t.tms_cutime,
			    t.tms_cstime);
}

/* ---- limits and the system ---------------------------------------------- */

static void put_limit(struct text *t, uint64_t v)
{
	if (v == RLIM64_INFINITY)
		text_puts(t, "RLIM64_INFINITY");
	else if (v > 1024 && v % 1024 == 0)
		text_printf(t, "%llu*1024", (ull)v / 1024);
	else
		text_printf(t, "%llu", (ull)v);
}

TRACE_ARG(rlimit)
{
	uint64_t v[2];

	(void)with;
	if (!trace_get_arg(c, i, v, sizeof(v)))
		return;
	text_puts(c->out, "{rlim_cur=");
	put_limit(c->out, v[0]);
	text_puts(c->out, ", rlim_max=");
	put_limit(c->out, v[1]);
	text_puts(c->out, "}");
}

TRACE_ARG(rusage)
{
	int64_t v[18]; /* struct rusage: the two times first */

	(void)with;
	if (!trace_get_arg(c, i, v, sizeof(v)))
		return;
	text_puts(c->out, "{ru_utime=");
	put_time(c->out, v, "usec");
	text_puts(c->out, ", ru_stime=");
	put_time(c->out, v + 2, "usec");
	text_puts(c->out, ", ...}");
}

TRACE_ARG(sysinfo)
{
	struct sysinfo s;
	struct text *t = c->out;

	(void)with;
	if (!trace_get_arg(c, i, &s, sizeof(s)))
		return;
	text_printf(t, "{uptime=%ld, loads=[%lu, %lu, %lu]", s.uptime,
		    s.loads[0], s.loads[1], s.loads[2]);
	text_printf(t, ", totalram=%lu, freeram=%lu, sharedram=%lu", s.totalram,
		    s.freeram, s.sharedram);
	text_printf(t, ", bufferram=%lu, totalswap=%lu, freeswap=%lu",
		    s.bufferram, s.totalswap, s.freeswap);
	text_printf(t, ", procs=%u, totalhigh=%lu, freehigh=%lu, mem_unit=%u}",
		    s.procs, s.totalhigh, s.freehigh, s.mem_unit);
}

TRACE_ARG(utsname)
{
	struct utsname u;

	(void)with;
	if (!trace_get_arg(c, i, &u, sizeof(u)))
		return;
	text_puts(c->out, "{sysname=");
	text_quote(c->out, u.sysname, strnlen(u.sysname, sizeof(u.sysname)));
	text_puts(c->out, ", nodename=");
	text_quote(c->out, u.nodename, strnlen(u.nodename, sizeof(u.nodename)));
	text_puts(c->out, ", ...}");
}

TRACE_ARG(wstatus)
{
	int s;

	(void)with;
	if (!trace_get_arg(c, i, &s, sizeof(s)))
		return;
	if (WIFEXITED(s)) {
		text_printf(c->out, "[{WIFEXITED(s) && WEXITSTATUS(s) == %d}]",
			    WEXITSTATUS(s));
	} else if (WIFSIGNALED(s)) {
		text_puts(c->out, "[{WIFSIGNALED(s) && WTERMSIG(s) == ");
		trace_put_signal(c->out, (uint64_t)WTERMSIG(s));
		text_puts(c->out, "}]");
	} else {
		text_printf(c->out, "[%#x]", (unsigned)s);
	}
}

TRACE_ARG(sched_param)
{
	trace_arg_mem_int(c, i, with);
}

/* ---- capabilities and groups -------------------------------------------- */

TRACE_ARG(cap_header)
{
	struct __user_cap_header_struct h;

	(void)with;
	if (!trace_get_arg(c, i, &h, sizeof(h)))
		return;
	if (h.version == _LINUX_CAPABILITY_VERSION_3)
		text_puts(c->out, "{version=_LINUX_CAPABILITY_VERSION_3");
	else
		text_printf(c->out, "{version=%#x", h.version);
	text_printf(c->out, ", pid=%d}", h.pid);
}

static void put_caps(struct text *t, const char *name, uint64_t set)
{
	const char *between = "";
	unsigned bit;

	text_puts(t, name);
	if (!set)
		text_puts(t, "0");
	for (bit = 0; bit < 64; bit++) {
		const char *cap = trace_choice_name(TRACE_SET_cap, bit);

		if (!(set >> bit & 1))
			continue;
		text_puts(t, between);
		if (cap)
			text_printf(t, "1<<%s", cap);
		else
			text_printf(t, "%#llx", 1ull << bit);
		between = "|";
	}
}

TRACE_ARG(cap_data)
{
	struct __user_cap_data_struct d[2];

	(void)with;
	if (!trace_get_arg(c, i, d, sizeof(d)))
		return;
	put_caps(c->out, "{effective=",
		 d[0].effective | (uint64_t)d[1].effective << 32);
	put_caps(c->out, ", permitted=",
		 d[0].permitted | (uint64_t)d[1].permitted << 32);
	put_caps(c->out, ", inheritable=",
		 d[0].inheritable | (uint64_t)d[1].inheritable << 32);
	text_puts(c->out, "}");
}

static void put_group(const struct trace_call *c, const void *item)
{
	uint32_t id;

	memcpy(&id, item, sizeof(id));
	trace_put_id(c->out, id);
}

TRACE_ARG(groups)
{
	struct trace_array a = { .addr = c->arg[i],
				 .count = (uint32_t)c->arg[with],
				 .size = 4,
				 .put = put_group };

	trace_put_array(c, &a);
}

TRACE_ARG(out_groups)
{
	struct trace_array a = { .addr = c->arg[i],
				 .count = (uint64_t)c->ret,
				 .size = 4,
				 .put = put_group };

	(void)with;
	trace_put_array(c, &a);
}

static void put_page_bit(const struct trace_call *c, const void *item)
{
	text_printf(c->out, "%u", *(const uint8_t *)item & 1);
}

TRACE_ARG(page_vector)
{
	struct trace_array a = { .addr = c->arg[i],
				 .count = c->arg[1] / 4096 +
					  !!(c->arg[1] % 4096),
				 .size = 1,
				 .put = put_page_bit };

	(void)with;
	trace_put_array(c, &a);
}

TRACE_ARG(cpuset)
{
	size_t have, k;
	const uint8_t *at = trace_event_mem(c->ev, c->arg[i], &have);
	const char *between = "";

	(void)with;
	if (!at) {
		text_addr(c->out, c->arg[i]);
		return;
	}
	text_puts(c->out, "[");
	for (k = 0; k < have * 8; k++) {
		if (!(at[k / 8] >> k % 8 & 1))
			continue;
		text_printf(c->out, "%s%zu", between, k);
		between = " ";
	}
	text_puts(c->out, "]");
}

/* ---- prctl -------------------------------------------------------------- */

/* How many arguments an option has beside itself; 4 if it is not known. */
static unsigned prctl_args(uint32_t option)
{
	switch (option) {
	case PR_GET_DUMPABLE:
	case PR_GET_KEEPCAPS:
	case PR_GET_SECCOMP:
	case PR_GET_TIMERSLACK:
	case PR_GET_TIMING:
		return 0;
	case PR_SET_NAME:
	case PR_GET_NAME:
	case PR_CAPBSET_READ:
	case PR_CAPBSET_DROP:
	case PR_SET_PDEATHSIG:
	case PR_GET_PDEATHSIG:
	case PR_SET_DUMPABLE:
	case PR_SET_KEEPCAPS:
	case PR_SET_TIMERSLACK:
	case PR_SET_TIMING:
	case PR_SET_CHILD_SUBREAPER:
	case PR_GET_CHILD_SUBREAPER:
	case PR_GET_TID_ADDRESS:
	case PR_GET_TSC:
	case PR_SET_TSC:
		return 1;
	case PR_SET_SECCOMP:
		return 2;
	default:
		return 4;
	}
}

TRACE_ARG(prctl)
{
	(void)with;
	switch ((uint32_t)c->arg[0]) {
	case PR_GET_NAME:
		if (c->failed) {
			text_addr(c->out, c->arg[i]);
			break;
		}
		trace_put_string(c, c->arg[i], 15);
		break;
	case PR_SET_NAME:
		trace_put_string(c, c->arg[i], 15);
		break;
	case PR_CAPBSET_READ:
	case PR_CAPBSET_DROP:
		trace_put_set(c->out, TRACE_SET_cap, (uint32_t)c->arg[i]);
		break;
	case PR_SET_PDEATHSIG:
		trace_put_signal(c->out, (uint32_t)c->arg[i]);
		break;
	case PR_SET_DUMPABLE:
	case PR_SET_KEEPCAPS:
	case PR_SET_NO_NEW_PRIVS:
	case PR_GET_NO_NEW_PRIVS:
	case PR_SET_THP_DISABLE:
	case PR_SET_TIMERSLACK:
	case PR_SET_CHILD_SUBREAPER:
		text_printf(c->out, "%llu", (ull)c->arg[i]);
		break;
	default:
		text_printf(c->out, "%#llx", (ull)c->arg[i]);
		break;
	}
}

TRACE_ARG(prctl_rest)
{
	trace_arg_hex(c, i, with);
}

TRACE_ARG(arch_prctl)
{
	int code = (int)c->arg[0];
	bool get = code == 0x1003 || code == 0x1004; /* ARCH_GET_FS, _GS */

	if (get && !c->failed)
		trace_arg_mem_addr(c, i, with);
	else
		text_printf(c->out, "%#llx", (ull)c->arg[i]);
}

/* ---- futex -------------------------------------------------------------- */

static unsigned futex_cmd(const struct trace_call *c)
{
	return (unsigned)c->arg[1] & (unsigned)FUTEX_CMD_MASK;
}

TRACE_ARG(futex_op)
{
	unsigned op = (unsigned)c->arg[i];

	(void)with;
	trace_put_set(c->out, TRACE_SET_futex, futex_cmd(c));
	if (op & FUTEX_PRIVATE_FLAG)
		text_puts(c->out, "_PRIVATE");
	if (op & FUTEX_CLOCK_REALTIME)
		text_puts(c->out, "|FUTEX_CLOCK_REALTIME");
}

TRACE_ARG(futex_value)
{
	trace_arg_uint(c, i, with);
}

static bool futex_has_time(unsigned cmd)
{
	return cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET ||
	       cmd == FUTEX_LOCK_PI || cmd == FUTEX_WAIT_REQUEUE_PI;
}

static bool futex_has_addr2(unsigned cmd)
{
	return cmd == FUTEX_REQUEUE || cmd == FUTEX_CMP_REQUEUE ||
	       cmd == FUTEX_WAKE_OP || cmd == FUTEX_CMP_REQUEUE_PI ||
	       cmd == FUTEX_WAIT_REQUEUE_PI;
}

static bool futex_has_value3(unsigned cmd)
{
	return cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_WAKE_BITSET ||
	       cmd == FUTEX_CMP_REQUEUE || cmd == FUTEX_WAKE_OP ||
	       cmd == FUTEX_CMP_REQUEUE_PI;
}

TRACE_ARG(futex_time)
{
	if (!futex_has_time(futex_cmd(c)))
		text_printf(c->out, "%u", (unsigned)c->arg[i]);
	else if (c->arg[i])
		trace_arg_timespec(c, i, with);
	else
		text_puts(c->out, "NULL");
}

TRACE_ARG(futex_addr2)
{
	trace_arg_addr(c, i, with);
}

TRACE_ARG(futex_value3)
{
	unsigned v = (unsigned)c->arg[i], cmd = futex_cmd(c);

	(void)with;
	if (cmd == FUTEX_CMP_REQUEUE || cmd == FUTEX_CMP_REQUEUE_PI)
		text_printf(c->out, "%u", v);
	else if (v == FUTEX_BITSET_MATCH_ANY)
		text_puts(c->out, "FUTEX_BITSET_MATCH_ANY");
	else
		text_printf(c->out, "%#x", v);
}

static bool futex_hides(const struct trace_call *c, unsigned kind)
{
	unsigned cmd = futex_cmd(c);

	if (kind == MF_ARG_KIND_FUTEX_VALUE)
		return cmd == FUTEX_UNLOCK_PI || cmd == FUTEX_TRYLOCK_PI ||
		       cmd == FUTEX_LOCK_PI;
	if (kind == MF_ARG_KIND_FUTEX_TIME)
		return !futex_has_time(cmd) && !futex_has_addr2(cmd);
	if (kind == MF_ARG_KIND_FUTEX_ADDR2)
		return !futex_has_addr2(cmd);
	return !futex_has_value3(cmd);
}

/* ---- clone -------------------------------------------------------------- */

TRACE_ARG(clone_stack)
{
	(void)i;
	(void)with;
	text_puts(c->out, "child_stack=");
	text_addr(c->out, c->arg[1]);
}

static void put_clone_flags(struct text *t, uint64_t flags, uint64_t signal)
{
	if (flags || !signal)
		trace_put_set(t, TRACE_SET_clone, flags);
	if (signal) {
		if (flags)
			text_puts(t, "|");
		trace_put_signal(t, signal);
	}
}

TRACE_ARG(clone_flags)
{
	(void)i;
	(void)with;
	text_puts(c->out, "flags=");
	put_clone_flags(c->out, (uint32_t)c->arg[0] & ~0xffu, c->arg[0] & 0xff);
}

TRACE_ARG(clone_parent)
{
	text_puts(c->out, "parent_tid=");
	trace_arg_mem_int(c, i, with);
}

TRACE_ARG(clone_tls)
{
	(void)i;
	(void)with;
	text_puts(c->out, "tls=");
	text_printf(c->out, "%#llx", (ull)c->arg[4]);
}

TRACE_ARG(clone_child)
{
	(void)i;
	(void)with;
	text_puts(c->out, "child_tidptr=");
	text_addr(c->out, c->arg[3]);
}

TRACE_ARG(clone_args)
{
	uint64_t a[8]; /* the members of the first version */
	struct text *t = c->out;
	int tid;

	(void)with;
	if (!trace_get_arg(c, i, a, sizeof(a)))
		return;
	text_puts(t, "{flags=");
	trace_put_set(t, TRACE_SET_clone, (uint32_t)a[0]);
	if (a[0] & CLONE_PIDFD) {
		text_puts(t, ", pidfd=");
		text_addr(t, a[1]);
	}
	if (a[0] & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)) {
		text_puts(t, ", child_tid=");
		text_addr(t, a[2]);
	}
	if (a[0] & CLONE_PARENT_SETTID) {
		text_puts(t, ", parent_tid=");
		text_addr(t, a[3]);
	}
	text_puts(t, ", exit_signal=");
	trace_put_signal(t, a[4]);
	text_puts(t, ", stack=");
	text_addr(t, a[5]);
	text_printf(t, ", stack_size=%#llx", (ull)a[6]);
	if (a[0] & CLONE_SETTLS) {
		text_puts(t, ", tls=");
		text_addr(t, a[7]);
	}
	text_puts(t, "}");
	if (!c->failed && (a[0] & CLONE_PARENT_SETTID) &&
	    trace_get(c, a[3], &tid, sizeof(tid)))
		text_printf(t, " => {parent_tid=[%d]}", tid);
}

/* ---- what is there at all ----------------------------------------------- */

static bool clone_hides(const struct trace_call *c, unsigned kind)
{
	uint64_t flags = c->arg[0];

	if (kind == MF_ARG_KIND_CLONE_PARENT)
		return !(flags & (CLONE_PARENT_SETTID | CLONE_PIDFD));
	if (kind == MF_ARG_KIND_CLONE_TLS)
		return !(flags & CLONE_SETTLS);
	return !(flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID));
}

static bool fcntl_hides(const struct trace_call *c)
{
	switch ((int)c->arg[1]) {
	case F_GETFD:
	case F_GETFL:
	case F_GETOWN:
	case F_GETSIG:
	case F_GETLEASE:
	case F_GETPIPE_SZ:
	case F_GET_SEALS:
		return true;
	default:
		return false;
	}
}

static bool ioctl_hides(const struct trace_call *c)
{
	return c->arg[1] == FIOCLEX || c->arg[1] == FIONCLEX ||
	       c->arg[1] == TIOCNOTTY || c->arg[1] == TIOCEXCL ||
	       c->arg[1] == TIOCNXCL;
}

bool trace_arg_hidden(const struct trace_call *c, unsigned i)
{
	unsigned kind = MF_ARG_KIND_OF(c->row->args[i]);

	switch (kind) {
	case MF_ARG_KIND_SKIP:
		return true;
	case MF_ARG_KIND_MODE_OPEN:
		return !(c->arg[i - 1] &
			 (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)));
	case MF_ARG_KIND_MREMAP_ADDR:
		return !(c->arg[3] & (MREMAP_FIXED | 4)); /* DONTUNMAP */
	case MF_ARG_KIND_DEVICE:
		return !S_ISCHR(c->arg[i - 1]) && !S_ISBLK(c->arg[i - 1]);
	case MF_ARG_KIND_FCNTL_ARG:
		return fcntl_hides(c);
	case MF_ARG_KIND_IOCTL_ARG:
		return ioctl_hides(c);
	case MF_ARG_KIND_PRCTL_ARG:
	case MF_ARG_KIND_PRCTL_REST:
		return i > prctl_args((uint32_t)c->arg[0]);
	case MF_ARG_KIND_FUTEX_VALUE:
	case MF_ARG_KIND_FUTEX_TIME:
	case MF_ARG_KIND_FUTEX_ADDR2:
	case MF_ARG_KIND_FUTEX_VALUE3:
		return futex_hides(c, kind);
	case MF_ARG_KIND_CLONE_PARENT:
	case MF_ARG_KIND_CLONE_TLS:
	case MF_ARG_KIND_CLONE_CHILD:
		return clone_hides(c, kind);
	default:
		return false;
	}
}
