/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first look registers nowhere: most calls find something. Only a call
 * that has to sleep hangs its waiters on the queues of the files.
 */
#include "fs/poll.h"

#include <linux/eventpoll.h>

#include "core/alloc.h"
#include "core/signal.h"
#include "dev/ring.h"

struct poll_table {
	struct waitq waitq;
	bool triggered;
};

static void poll_wake(struct waiter *w)
{
	struct poll_entry *e = container_of(w, struct poll_entry, waiter);

	e->table->triggered = true;
	waitq_wake_all(&e->table->waitq);
}

static long look(struct poll_entry *entries, uint32_t count)
{
	long n = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct poll_entry *e = &entries[i];
		uint32_t always = EPOLLERR | EPOLLHUP;

		if (e->file) {
			e->revents = EPOLLIN | EPOLLOUT | EPOLLRDNORM |
				     EPOLLWRNORM;
			if (e->file->ops->poll)
				e->revents = e->file->ops->poll(e->file);
			e->revents &= e->events | always;
		}
		n += e->revents != 0;
	}
	return n;
}

static void hang(struct poll_entry *entries, uint32_t count,
		 struct poll_table *t)
{
	for (uint32_t i = 0; i < count; i++) {
		struct poll_entry *e = &entries[i];

		e->table = t;
		e->waiter.wake = poll_wake;
		list_init(&e->waiter.node);
		if (e->file && e->file->waitq)
			waitq_add(e->file->waitq, &e->waiter);
	}
}

static void unhang(struct poll_entry *entries, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		waitq_remove(&entries[i].waiter);
}

long poll_files(struct poll_entry *entries, uint32_t count,
		uint64_t deadline_ns)
{
	struct poll_table t = { .triggered = false };
	long n = look(entries, count);
	int err = 0;

	if (!n && !deadline_ns && ring_spin())
		n = look(entries, count);
	if (n)
		return n;
	if (!deadline_ns)
		return signal_pending() ? -EINTR : 0;
	waitq_init(&t.waitq);
	hang(entries, count, &t);
	do {
		t.triggered = false;
		n = look(entries, count);
		if (n || err)
			break;
		if (!t.triggered)
			err = waitq_sleep(&t.waitq, deadline_ns);
	} while (1);
	unhang(entries, count);
	if (n)
		return n;
	return err == -ETIMEDOUT ? 0 : err;
}

struct poll_entry *poll_entries_new(uint32_t count)
{
	return kzalloc((count ? count : 1) * sizeof(struct poll_entry));
}

void poll_entries_free(struct poll_entry *entries, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (entries[i].file)
			file_unref(entries[i].file);
	kfree(entries);
}
