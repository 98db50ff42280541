/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tracing system calls: records of calls, signals and ends of threads, with
 * what of the program's memory their arguments name, on their way to the
 * monitor (abi/trace.h). Off, it costs the system calls nothing.
 */
#ifndef KERNEL_CORE_TRACE_H
#define KERNEL_CORE_TRACE_H

#include "abi/syscall_args.h"
#include "core/kernel.h"
#include "core/sigqueue.h"

struct thread;

/*
 * Calls below this number go straight to their handlers: all of them, or,
 * while there is tracing, none.
 */
extern uint64_t trace_plain_calls;

/* Starts or stops tracing if the monitor was told to. */
void trace_poll(void);

/* The current thread begins a call; true if trace_exit() is to follow. */
bool trace_enter(struct mf_regs *r);
/* It has returned with r->rax. Harmless if the beginning was not recorded. */
void trace_exit(const struct mf_regs *r);
/* The current thread is about to handle a signal. */
void trace_signal(const struct ksiginfo *info);
/* The thread ends; status as of wait(2). */
void trace_end(const struct thread *t, int wait_status);

/* Hands over what has gathered; the vCPU leaves the guest. */
void trace_flush(void);
bool trace_unsent(void);

/* ---- kernel/core/trace_args.c ------------------------------------------ */

/* A record under construction. */
struct trace_record {
	struct mf_trace_record *head;
	uint32_t text_max;
};

/* Copies the memory that the arguments name, at the call's begin or end. */
void trace_args_copy(struct trace_record *t, bool at_exit);
/* Appends a piece of the program's memory that has been checked. */
void trace_add(struct trace_record *t, uint64_t addr, uint64_t len);
/* Bytes a piece can have at most. */
uint64_t trace_room(const struct trace_record *t);

#endif
