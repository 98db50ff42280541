/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of abi/syscall_args.def as the printer reads them, and which
 * function prints which kind of argument.
 */
#define MF_ARG_SET(set) TRACE_SET_##set
#include "cli/trace_call.h"

const struct mf_arg_rule trace_rules[MF_ARG_KIND_COUNT] = {
#define KIND(name, when, how, size) \
	[MF_ARG_KIND_##name] = { MF_ARG_##when, MF_ARG_##how, size },
#define CALL(...)
#include "abi/syscall_args.def"
#undef CALL
#undef KIND
};

static const struct trace_row rows[MF_TRACE_CALLS] = {
#define KIND(...)
#define CALL(nr, call, res, ...) \
	[nr] = { #call, { __VA_ARGS__ }, TRACE_RESULT_##res },
#include "abi/syscall_args.def"
#undef CALL
#undef KIND
};

/* Also of calls without a row. */
static const char *const names[MF_TRACE_CALLS] = {
#include "cli/syscall_names.inc"
};

const struct trace_row *trace_row(uint32_t nr)
{
	static const struct trace_row none;

	return nr < MF_TRACE_CALLS ? &rows[nr] : &none;
}

const char *trace_call_name(uint32_t nr)
{
	const char *name = trace_row(nr)->name;

	if (name || nr >= MF_TRACE_CALLS)
		return name;
	return names[nr];
}

#define FN(kind, name) [MF_ARG_KIND_##kind] = trace_arg_##name

const trace_arg_fn trace_arg_fns[MF_ARG_KIND_COUNT] = {
	FN(INT, int),
	FN(UINT, uint),
	FN(LONG, long),
	FN(ULONG, ulong),
	FN(HEX, hex),
	FN(HEX32, hex32),
	FN(PTR, addr),
	FN(FD, int),
	FN(DIRFD, dirfd),
	FN(MODE, mode),
	FN(MODE_TYPE, mode_type),
	FN(MODE_OPEN, mode),
	FN(ID, id),
	FN(SIGNAL, signal),
	FN(DEVICE, device),
	FN(FLAGS, set),
	FN(ENUM, set),
	FN(PATH, path),
	FN(STR, string),
	FN(BYTES, bytes),
	FN(OUT_BYTES, out_bytes),
	FN(OUT_RANDOM, random),
	FN(OUT_PATH, out_bytes),
	FN(OUT_CWD, path),
	FN(OUT_DENTS, dents),
	FN(OUT_DENTS_OLD, dents_old),
	FN(ARGV, argv),
	FN(ENVP, envp),
	FN(OUT_INT, mem_int),
	FN(OUT_UINT, mem_uint),
	FN(OUT_ID, mem_uint),
	FN(OUT_PTR, mem_addr),
	FN(OUT_LONG, mem_offset),
	FN(OUT_FDS, fds),
	FN(OFFSET, offset),
	FN(OFFSET_IN, mem_offset),
	FN(GROUPS, groups),
	FN(OUT_GROUPS, out_groups),
	FN(OUT_VEC, page_vector),
	FN(CPUSET, cpuset),
	FN(OUT_CPUSET, cpuset),
	FN(TIMESPEC, timespec),
	FN(TIMESPEC2, timespec2),
	FN(OUT_TIMESPEC, timespec),
	FN(REMAINING, remaining),
	FN(TIMEVAL, timeval),
	FN(TIMEVAL2, timeval2),
	FN(TIMEVAL_LEFT, timeval),
	FN(TIMESPEC_LEFT, timespec),
	FN(OUT_TIMEVAL, timeval),
	FN(ITIMERVAL, itimerval),
	FN(OUT_ITIMERVAL, itimerval),
	FN(ITIMERSPEC, itimerspec),
	FN(OUT_ITIMERSPEC, itimerspec),
	FN(UTIMBUF, utimbuf),
	FN(OUT_TMS, tms),
	FN(OUT_TIME, mem_time),
	FN(SIGSET, sigset),
	FN(OUT_SIGSET, sigset),
	FN(SIGACTION, sigaction),
	FN(OUT_SIGACTION, sigaction),
	FN(SIGINFO, siginfo),
	FN(OUT_SIGINFO, siginfo),
	FN(SIGEVENT, sigevent),
	FN(STACK, stack),
	FN(OUT_STACK, stack),
	FN(SIGFRAME, sigframe),
	FN(PSELECT_MASK, pselect_mask),
	FN(OUT_STAT, stat),
	FN(OUT_STATX, statx),
	FN(OUT_STATFS, statfs),
	FN(RLIMIT, rlimit),
	FN(OUT_RLIMIT, rlimit),
	FN(OUT_RUSAGE, rusage),
	FN(OUT_SYSINFO, sysinfo),
	FN(OUT_UTSNAME, utsname),
	FN(OUT_WSTATUS, wstatus),
	FN(SCHED_PARAM, sched_param),
	FN(OUT_SCHED_PARAM, sched_param),
	FN(CAP_HEADER, cap_header),
	FN(CAP_DATA, cap_data),
	FN(OUT_CAP_DATA, cap_data),
	FN(POLLFDS, pollfds),
	FN(FDSET, fdset),
	FN(EPOLL_EVENT, epoll_event),
	FN(OUT_EPOLL, epoll_events),
	FN(SOCKADDR, sockaddr),
	FN(OUT_SOCKADDR, out_sockaddr),
	FN(SOCKLEN, socklen),
	FN(SOCKOPT, sockopt),
	FN(OUT_SOCKOPT, out_sockopt),
	FN(IOV, iov),
	FN(OUT_IOV, out_iov),
	FN(MSG, msg),
	FN(OUT_MSG, out_msg),
	FN(MMSG, mmsg),
	FN(OUT_MMSG, out_mmsg),
	FN(FCNTL_ARG, fcntl),
	FN(IOCTL_REQUEST, ioctl_request),
	FN(IOCTL_ARG, ioctl),
	FN(PRCTL_ARG, prctl),
	FN(PRCTL_REST, prctl_rest),
	FN(ARCH_PRCTL_ARG, arch_prctl),
	FN(SOCKOPT_NAME, sockopt_name),
	FN(SOCKET_PROTO, socket_proto),
	FN(FUTEX_OP, futex_op),
	FN(FUTEX_VALUE, futex_value),
	FN(FUTEX_TIME, futex_time),
	FN(FUTEX_ADDR2, futex_addr2),
	FN(FUTEX_VALUE3, futex_value3),
	FN(MREMAP_ADDR, addr),
	FN(CLONE_STACK, clone_stack),
	FN(CLONE_FLAGS, clone_flags),
	FN(CLONE_PARENT, clone_parent),
	FN(CLONE_CHILD, clone_child),
	FN(CLONE_TLS, clone_tls),
	FN(CLONE_ARGS, clone_args),
	FN(SKIP, addr),
};
