/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Printing the arguments and results of system calls, as strace does. Which
 * kind an argument is comes from abi/syscall_args.def; each kind has a
 * function here.
 */
#ifndef CLI_TRACE_CALL_H
#define CLI_TRACE_CALL_H

#include "abi/syscall_args.h"
#include "cli/trace_sets.h"
#include "cli/trace_stream.h"
#include "cli/trace_text.h"

/* Results that are shown as more than a number. */
enum trace_result {
	TRACE_RESULT_DEC,
	TRACE_RESULT_HEX,
	TRACE_RESULT_MODE,
	TRACE_RESULT_SIGNAL,
	TRACE_RESULT_TIME,
	TRACE_RESULT_SCHED,
	TRACE_RESULT_FCNTL,
	TRACE_RESULT_POLL,
	TRACE_RESULT_SELECT,
};

/* A row of the table. */
struct trace_row {
	const char *name; /* NULL: there is no row */
	uint16_t args[MF_CALL_ARGS];
	enum trace_result result;
};

struct trace_call {
	const struct trace_event *ev; /* ENTER or EXIT */
	const struct trace_row *row;
	const uint64_t *arg;
	const uint64_t *before; /* what INOUT arguments were, or NULL */
	int64_t ret;
	bool failed;
	uint32_t text_max; /* shown of strings and arrays */
	struct text *out;
};

/* Prints argument i; `with` is as in the row. */
typedef void (*trace_arg_fn)(const struct trace_call *c, unsigned i,
			     unsigned with);

/* ---- cli/trace_table.c -------------------------------------------------- */

extern const struct mf_arg_rule trace_rules[MF_ARG_KIND_COUNT];
extern const trace_arg_fn trace_arg_fns[MF_ARG_KIND_COUNT];

/* The row of a call; name NULL if there is none. */
const struct trace_row *trace_row(uint32_t nr);
/* A call's name, also without a row; NULL: there is no such number. */
const char *trace_call_name(uint32_t nr);

/* ---- cli/trace_call.c --------------------------------------------------- */

/* How many of the row's arguments are printed when the call begins. */
unsigned trace_row_split(const struct trace_row *row);
/* Prints arguments [from, to) with what separates them; true if any. */
bool trace_put_args(const struct trace_call *c, unsigned from, unsigned to);
/* "0", "-1 ENOENT (No such file or directory)", "1 ([{fd=3, ...}])" ... */
void trace_put_result(const struct trace_call *c);

/* ---- memory of the program ---------------------------------------------- */

/* Copies it, or returns false if the record does not have all of it. */
bool trace_get(const struct trace_call *c, uint64_t addr, void *ret,
	       size_t len);
/* The same; where it is missing the address is printed. */
bool trace_get_arg(const struct trace_call *c, unsigned i, void *ret,
		   size_t len);
/* `len` bytes in quotes, cut at text_max; the address if they are missing. */
void trace_put_bytes(const struct trace_call *c, uint64_t addr, uint64_t len);
/* A string that ends with NUL. */
void trace_put_string(const struct trace_call *c, uint64_t addr, size_t max);

/*
 * [a, b, ...]: calls fn for at most text_max elements; where memory is
 * missing an address is printed instead.
 */
typedef void (*trace_item_fn)(const struct trace_call *c, const void *item);
struct trace_array {
	uint64_t addr, count;
	size_t size; /* bytes of an element, at most TRACE_ITEM_MAX */
	trace_item_fn put;
};
#define TRACE_ITEM_MAX 64
void trace_put_array(const struct trace_call *c, const struct trace_array *a);

/* ---- pieces that several files use -------------------------------------- */

void trace_put_signal(struct text *t, uint64_t sig);
void trace_put_errno(struct text *t, int64_t err);
void trace_put_mode(struct text *t, uint32_t mode); /* with the file's type */
void trace_put_perm(struct text *t, uint64_t mode);
void trace_put_sigset(struct text *t, uint64_t set);
void trace_put_id(struct text *t, uint64_t id);
/* struct siginfo as Linux has it, 128 bytes. */
void trace_put_siginfo(struct text *t, const void *info);
/* A signal's record. */
void trace_put_signal_record(struct text *t, const struct mf_trace_record *r);
void trace_put_time_comment(struct text *t, int64_t sec, uint64_t part,
			    unsigned digits);
struct sockaddr; /* of the host; at most `len` bytes are looked at */
void trace_put_sockaddr(struct text *t, const struct sockaddr *addr,
			size_t len);
/* The result's part of poll and select. */
void trace_put_poll_result(const struct trace_call *c);
void trace_put_select_result(const struct trace_call *c);

/* ---- one for each kind -------------------------------------------------- */

/* Which trailing arguments are there at all depends on others. */
bool trace_arg_hidden(const struct trace_call *c, unsigned i);

#define TRACE_ARG(name)                                               \
	void trace_arg_##name(const struct trace_call *c, unsigned i, \
			      unsigned with)

/* cli/trace_call.c */
TRACE_ARG(int);
TRACE_ARG(uint);
TRACE_ARG(long);
TRACE_ARG(ulong);
TRACE_ARG(hex);
TRACE_ARG(hex32);
TRACE_ARG(addr);
TRACE_ARG(set);
TRACE_ARG(path);
TRACE_ARG(string);
TRACE_ARG(bytes);
TRACE_ARG(out_bytes);
TRACE_ARG(random);
TRACE_ARG(argv);
TRACE_ARG(envp);
TRACE_ARG(mem_int);
TRACE_ARG(mem_uint);
TRACE_ARG(mem_addr);
TRACE_ARG(mem_offset);
TRACE_ARG(offset);

/* cli/trace_file.c */
TRACE_ARG(dirfd);
TRACE_ARG(mode);
TRACE_ARG(mode_type);
TRACE_ARG(id);
TRACE_ARG(device);
TRACE_ARG(dents);
TRACE_ARG(dents_old);
TRACE_ARG(fds);
TRACE_ARG(stat);
TRACE_ARG(statx);
TRACE_ARG(statfs);
TRACE_ARG(utimbuf);
TRACE_ARG(timeval2);
TRACE_ARG(timespec2);
TRACE_ARG(fcntl);
TRACE_ARG(ioctl_request);
TRACE_ARG(ioctl);

/* cli/trace_wait.c */
TRACE_ARG(pollfds);
TRACE_ARG(fdset);
TRACE_ARG(epoll_event);
TRACE_ARG(epoll_events);

/* cli/trace_net.c */
TRACE_ARG(sockaddr);
TRACE_ARG(out_sockaddr);
TRACE_ARG(socklen);
TRACE_ARG(sockopt_name);
TRACE_ARG(sockopt);
TRACE_ARG(out_sockopt);
TRACE_ARG(socket_proto);
TRACE_ARG(iov);
TRACE_ARG(out_iov);
TRACE_ARG(msg);
TRACE_ARG(out_msg);
TRACE_ARG(mmsg);
TRACE_ARG(out_mmsg);

/* cli/trace_process.c */
TRACE_ARG(signal);
TRACE_ARG(sigset);
TRACE_ARG(sigaction);
TRACE_ARG(siginfo);
TRACE_ARG(sigevent);
TRACE_ARG(stack);
TRACE_ARG(sigframe);
TRACE_ARG(pselect_mask);
TRACE_ARG(timespec);
TRACE_ARG(remaining);
TRACE_ARG(timeval);
TRACE_ARG(itimerval);
TRACE_ARG(itimerspec);
TRACE_ARG(tms);
TRACE_ARG(mem_time);
TRACE_ARG(rlimit);
TRACE_ARG(rusage);
TRACE_ARG(sysinfo);
TRACE_ARG(utsname);
TRACE_ARG(wstatus);
TRACE_ARG(sched_param);
TRACE_ARG(cap_header);
TRACE_ARG(cap_data);
TRACE_ARG(groups);
TRACE_ARG(out_groups);
TRACE_ARG(page_vector);
TRACE_ARG(cpuset);
TRACE_ARG(prctl);
TRACE_ARG(prctl_rest);
TRACE_ARG(arch_prctl);
TRACE_ARG(futex_op);
TRACE_ARG(futex_value);
TRACE_ARG(futex_time);
TRACE_ARG(futex_addr2);
TRACE_ARG(futex_value3);
TRACE_ARG(clone_stack);
TRACE_ARG(clone_flags);
TRACE_ARG(clone_parent);
TRACE_ARG(clone_tls);
TRACE_ARG(clone_child);
TRACE_ARG(clone_args);

#endif
