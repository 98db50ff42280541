/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trace on its way from the guest to a descriptor of the parent: the
 * monitor tells the guest what is wanted and carries the bytes, in which it
 * sees no meaning. Nothing is dropped: a guest whose reader is slow waits.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "monitor/instance.h"

/* Puts it into the shared page; seq is odd meanwhile. */
static void publish(struct instance *inst, const struct mf_trace_config *c)
{
	struct mf_trace_shared *s = &inst->shared->trace;
	uint32_t seq = inst->trace_seq + 2;

	atomic_store_explicit(&s->seq, seq - 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	s->config = *c;
	atomic_store_explicit(&s->seq, seq, memory_order_release);
	inst->trace_seq = seq;
	inst->nudge = true;
}

static void close_reader(struct instance *inst)
{
	if (inst->trace_fd >= 0)
		close(inst->trace_fd);
	inst->trace_fd = -1;
}

void trace_set(struct instance *inst, const struct mf_trace_config *c, int fd)
{
	struct mf_trace_config config = *c;

	if (config.text_max > MF_TRACE_TEXT_MAX)
		config.text_max = MF_TRACE_TEXT_MAX;
	if (fd < 0)
		config.flags = 0;
	close_reader(inst);
	if (config.flags & MF_TRACE_ON)
		inst->trace_fd = fd;
	else if (fd >= 0)
		close(fd);
	publish(inst, &config);
}

/*
 * Until the reader has room. The guest waits for its doorbell or, in a
 * process of its own, says so: its memory is looked at all the same.
 */
static void wait_for_reader(struct instance *inst)
{
	struct pollfd p[] = {
		{ .fd = inst->trace_fd, .events = POLLOUT },
		{ .fd = MF_CTL_FD, .events = POLLIN },
		{ .fd = inst->watch_fd, .events = POLLIN },
	};
	int timeout_ms = inst->watch_fd >= 0 ? TRACE_LOOK_MS : -1;

	if (poll(p, 3, timeout_ms) < 0 && errno != EINTR)
		return;
	instance_check_limit(inst);
	if (p[1].revents)
		ctl_poll(inst);
	if (p[2].revents) /* the next look at the guest says why */
		close_reader(inst);
}

int64_t trace_carry(struct instance *inst, gpa_t gpa, uint64_t len,
		    uint64_t seq)
{
	const uint8_t *from = guest_mem_range(&inst->mem, gpa, len);

	if (!from || len > MF_TRACE_BUF_SIZE)
		return -EINVAL;
	if (seq != inst->trace_seq)
		return -ESTALE;
	if (!len)
		close_reader(inst);
	while (len && inst->trace_fd >= 0 && !inst->done &&
	       seq == inst->trace_seq) {
		ssize_t n = write(inst->trace_fd, from, len);

		if (n > 0) {
			from += n;
			len -= (uint64_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			wait_for_reader(inst);
		} else if (n == 0 || errno != EINTR) {
			close_reader(inst);
		}
	}
	return len || inst->trace_fd < 0 ? -EPIPE : 0;
}
