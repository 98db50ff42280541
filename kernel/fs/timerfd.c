/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers with a descriptor, as timerfd_create(2). Kept in monotonic time; the
 * distance of the two clocks never changes while an instance runs, and does
 * where a copy of a snapshot begins.
 */
#include <asm/stat.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/timerfd.h>

#include "core/alloc.h"
#include "core/time.h"
#include "fs/anon.h"

struct timerfd {
	struct ktimer timer; /* deadline valid while armed */
	bool armed;
	bool realtime;
	bool cancel; /* TFD_TIMER_CANCEL_ON_SET */
	bool canceled; /* the clock was set, and no read has said so */
	struct list node; /* in `all` */
	uint64_t interval_ns;
	uint64_t expirations; /* not yet read */
	struct waitq waitq;
};

static struct list all = LIST_INIT(all);

static void timerfd_fire(struct ktimer *k)
{
	struct timerfd *t = container_of(k, struct timerfd, timer);
	uint64_t now = time_mono_ns(), missed = 0;

	if (t->interval_ns) {
		missed = (now - k->deadline_ns) / t->interval_ns;
		ktimer_start(k, k->deadline_ns + (missed + 1) * t->interval_ns);
	} else {
		t->armed = false;
	}
	t->expirations += 1 + missed;
	waitq_wake_all(&t->waitq);
}

static long timerfd_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	struct timerfd *t = f->priv;
	uint64_t n;

	(void)pos;
	if (to->left < sizeof(n))
		return -EINVAL;
	while (!t->expirations && !t->canceled) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (waitq_sleep(&t->waitq, DEADLINE_NEVER) == -EINTR)
			return -ERESTARTSYS;
	}
	n = t->expirations;
	t->expirations = 0;
	if (t->canceled) {
		t->canceled = false;
		return -ECANCELED;
	}
	iov_copy_out(to, &n, sizeof(n));
	return sizeof(n);
}

static uint32_t timerfd_poll(struct file *f)
{
	const struct timerfd *t = f->priv;

	return t->expirations || t->canceled ? EPOLLIN | EPOLLRDNORM : 0;
}

static int timerfd_stat(struct file *f, struct stat *st)
{
	(void)f;
	file_stat_fill(st, 0600);
	return 0;
}

static void timerfd_release(struct file *f)
{
	struct timerfd *t = f->priv;

	ktimer_stop(&t->timer);
	list_del(&t->node);
	kfree(t);
}

static const struct file_ops timerfd_ops = {
	.read = timerfd_read,
	.poll = timerfd_poll,
	.stat = timerfd_stat,
	.release = timerfd_release,
};

struct file *timerfd_new(bool realtime, uint32_t flags)
{
	struct timerfd *t = kzalloc(sizeof(*t));
	struct file *f;

	if (!t)
		return NULL;
	f = file_new(&timerfd_ops, t, O_RDWR | flags);
	if (!f) {
		kfree(t);
		return NULL;
	}
	list_add_tail(&all, &t->node);
	t->realtime = realtime;
	t->timer.fire = timerfd_fire;
	waitq_init(&t->waitq);
	f->waitq = &t->waitq;
	f->pos = -1;
	return f;
}

int timerfd_get(struct file *f, struct itimerspec_ns *ret)
{
	const struct timerfd *t = f->priv;
	uint64_t now = time_mono_ns();

	if (f->ops != &timerfd_ops)
		return -EINVAL;
	*ret = (struct itimerspec_ns){ .interval_ns = t->interval_ns };
	if (t->armed)
		ret->value_ns = t->timer.deadline_ns > now ?
					t->timer.deadline_ns - now :
					1;
	return 0;
}

void timerfd_clock_set(void)
{
	struct list *pos;

	list_for_each(pos, &all) {
		struct timerfd *t = container_of(pos, struct timerfd, node);

		t->canceled = t->cancel;
		if (t->cancel)
			waitq_wake_all(&t->waitq);
	}
}

int timerfd_set(struct file *f, uint32_t flags, const struct itimerspec_ns *n,
		struct itimerspec_ns *ret_old)
{
	struct timerfd *t = f->priv;
	bool absolute = flags & TFD_TIMER_ABSTIME;
	uint64_t deadline;
	int err = timerfd_get(f, ret_old);

	if (err)
		return err;
	ktimer_stop(&t->timer);
	t->armed = n->value_ns != 0;
	t->interval_ns = n->interval_ns;
	t->expirations = 0;
	t->timer.real = absolute && t->realtime;
	t->cancel = t->timer.real && (flags & TFD_TIMER_CANCEL_ON_SET);
	t->canceled = false;
	if (!t->armed)
		return 0;
	if (t->timer.real) {
		uint64_t real = time_real_ns();

		deadline = time_deadline(
			n->value_ns > real ? n->value_ns - real : 0);
	} else {
		deadline = absolute ? n->value_ns : time_deadline(n->value_ns);
	}
	ktimer_start(&t->timer, deadline);
	return 0;
}
