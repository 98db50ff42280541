/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ring operations do on the host. Private to the rings: rings.c
 * checks an entry and hands it over, ring_ops.c carries it out now or leaves
 * it pending on its handle until the handle is ready.
 */
#ifndef MONITOR_RING_OPS_H
#define MONITOR_RING_OPS_H

#include "monitor/rings.h"

#define RING_OP_COMPLETIONS_MAX 3 /* an entry or event completes at most */

/* Result of an attempt that has to wait. */
#define RING_OP_PENDING INT64_MIN

/* Posts a completion; there is room. */
void rings_complete(struct rings *r, uint64_t user_data, int64_t res);

/* Start the operation in h->rd or h->wr, and finish what is finished. */
void ring_op_try_read(struct rings *r, struct handle *h);
void ring_op_try_write(struct rings *r, struct handle *h);

/* Operations that are over at once: the result. */
int64_t ring_op_listen(struct handle *h, uint32_t backlog);
int64_t ring_op_shutdown(struct rings *r, struct handle *h, uint32_t how);
int64_t ring_op_setopt(struct handle *h, uint32_t opt, uint64_t value);

/* In connect.c: CONNECT and CANCEL; the result or RING_OP_PENDING. */
int64_t connect_start(struct rings *r, const struct mf_sqe *sqe);
int64_t connect_cancel(struct rings *r, uint64_t cookie);
void connect_answer(struct rings *r, const struct rings_answer *a);
/* Something happened to the socket of a handle that is connecting. */
void connect_event(struct rings *r, struct handle *h);
/* Tells results while `room` completions fit; returns what is left of it. */
uint32_t connect_finish(struct rings *r, uint32_t room);

/* Completes user_data now, or after the pending write. */
void ring_op_close(struct rings *r, struct handle *h, uint64_t user_data);

#endif
