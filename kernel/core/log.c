/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words for the operator: log lines travel over the ring in order with the
 * program's output, a panic rings its own doorbell and does not return.
 */
#include "arch.h"
#include "core/alloc.h"
#include "core/kernel.h"
#include "dev/ring.h"

#define LINE_MAX 512

struct log_line {
	struct ring_op op;
	char text[LINE_MAX];
};

static struct log_line *spare; /* for when memory is exhausted */

void log_init(void)
{
	spare = kzalloc(sizeof(*spare));
}

static void line_done(struct ring_op *op, int64_t res)
{
	struct log_line *l = container_of(op, struct log_line, op);

	(void)res;
	if (spare)
		kfree(l);
	else
		spare = l;
}

void klog(const char *fmt, ...)
{
	struct log_line *l = kzalloc(sizeof(*l));
	struct mf_sqe sqe = { .op = MF_OP_LOG, .flags = MF_SQE_QUIET };
	va_list ap;
	int n;

	if (!l) {
		l = spare;
		spare = NULL;
	}
	if (!l)
		return;
	l->op.done = line_done;
	va_start(ap, fmt);
	n = fmt_vsnprintf(l->text, sizeof(l->text), fmt, ap);
	va_end(ap);
	sqe.addr = kva_gpa(l->text);
	sqe.len = (uint32_t)min_u64(n, LINE_MAX - 1);
	ring_submit(&sqe, &l->op);
}

void kpanic(const char *fmt, ...)
{
	/* In RAM reachable by the monitor: the end of the statistics pages. */
	const uint64_t text_gpa = MF_SQ_GPA - LINE_MAX;
	char *text = gpa_kva((gpa_t){ text_gpa });
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = fmt_vsnprintf(text, LINE_MAX, fmt, ap);
	va_end(ap);
	kernel_shared->arg[0] = text_gpa;
	kernel_shared->arg[1] = min_u64(n, LINE_MAX - 1);
	for (;;)
		arch_doorbell(MF_DB_PANIC);
}
