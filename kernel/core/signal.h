/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals: sending, masks, and delivery on the way back to the program with
 * Linux's rt_sigframe.
 */
#ifndef KERNEL_CORE_SIGNAL_H
#define KERNEL_CORE_SIGNAL_H

#include <asm/siginfo.h>
#include <asm/signal.h>

#include "core/kernel.h"
#include "core/sigqueue.h"

struct thread;

#define SIG_MAX 64

/* What the kernel keeps of struct sigaction. */
struct ksigaction {
	uint64_t handler; /* SIG_DFL 0, SIG_IGN 1, or an address */
	uint64_t flags;
	uint64_t restorer;
	uint64_t mask;
};

/* 0, or -EAGAIN when a real-time signal cannot be queued. */
int signal_send_thread(struct thread *t, const struct ksiginfo *info);
int signal_send_process_info(const struct ksiginfo *info);
/* A fault of the current thread: cannot be blocked or ignored. */
void signal_force(const struct ksiginfo *info);
/* Signals from outside the guest (the shared page). */
void signal_take_outside(void);

/*
 * For calls with a temporary mask (ppoll, epoll_pwait, ...): in force until
 * the call returns to the program; a handler that runs then returns to the
 * old mask.
 */
void signal_mask_temporarily(uint64_t mask);
/* Ends that at once: the call has a result, signals stay where they are. */
void signal_mask_back(void);

/* Handles what is pending: the frame r may end up in a handler. */
void signal_deliver(struct mf_regs *r);
/* Tells the exit path whether the current thread has something to handle. */
void signal_update_exit_work(void);
/* Restores registers, mask and vector state from the frame at r->rsp. */
long signal_return(struct mf_regs *r);
/* Takes one of `set` for rt_sigtimedwait; false if none is pending. */
bool signal_take(uint64_t set, struct ksiginfo *ret);
/* As Linux writes it for the program; 128 bytes. */
void signal_fill_siginfo(const struct ksiginfo *info, void *ret);

struct ksigaction *signal_action(int sig);
/* Drops what is pending and now ignored. */
void signal_action_changed(int sig);
uint64_t signal_pending_set(void);

/* A CPU exception of the program, from the upcall. */
void signal_trap(struct mf_regs *r, const struct mf_upcall *u);

#endif
