/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Futex queues, hashed by address. There is one address space and mappings
 * of one page at two addresses do not meet, so a private and a shared futex
 * are the same thing: the virtual address is the key.
 */
#include "core/futex.h"

#include <linux/futex.h>

#include "core/thread.h"
#include "core/uaccess.h"

#define BUCKETS	     64
#define ROBUST_LIMIT 2048 /* as Linux: a list may be a loop */

struct futex_waiter {
	struct list node; /* bucket */
	struct thread *thread;
	uint64_t addr;
	uint32_t bits;
	bool woken;
};

static struct list buckets[BUCKETS];

static struct list *bucket(uint64_t addr)
{
	struct list *b = &buckets[(addr >> 2) * 0x9e3779b97f4a7c15ull >> 58];

	if (!b->next)
		list_init(b);
	return b;
}

int futex_wait(uint64_t addr, uint32_t val, uint32_t bits, uint64_t deadline_ns)
{
	struct futex_waiter fw = {
		.thread = current,
		.addr = addr,
		.bits = bits,
	};
	int err;

	if (!user_can_read(addr, sizeof(uint32_t)))
		return -EFAULT;
	if (*(volatile uint32_t *)(uintptr_t)addr != val)
		return -EAGAIN;
	list_add_tail(bucket(addr), &fw.node);
	do
		err = waitq_sleep(NULL, deadline_ns);
	while (!err && !fw.woken);
	list_del(&fw.node);
	return fw.woken ? 0 : err;
}

int futex_wake_bits(uint64_t addr, int count, uint32_t bits)
{
	struct list *b = bucket(addr);
	struct list *pos, *tmp;
	int woken = 0;

	list_for_each_safe(pos, tmp, b) {
		struct futex_waiter *fw =
			container_of(pos, struct futex_waiter, node);

		if (woken >= count)
			break;
		if (fw->addr != addr || !(fw->bits & bits))
			continue;
		list_del(&fw->node);
		fw->woken = true;
		sched_make_runnable(fw->thread);
		woken++;
	}
	return woken;
}

int futex_wake(uint64_t addr, int count)
{
	return futex_wake_bits(addr, count, FUTEX_ANY);
}

int futex_requeue(uint64_t addr, int wake, uint64_t to, int move)
{
	int done = futex_wake_bits(addr, wake, FUTEX_ANY);
	struct list *b = bucket(addr);
	struct list *target = bucket(to);
	struct list moved = LIST_INIT(moved);
	struct list *pos, *tmp;

	list_for_each_safe(pos, tmp, b) {
		struct futex_waiter *fw =
			container_of(pos, struct futex_waiter, node);

		if (move <= 0)
			break;
		if (fw->addr != addr)
			continue;
		list_del(&fw->node);
		fw->addr = to;
		list_add_tail(&moved, &fw->node);
		move--;
		done++;
	}
	while ((pos = list_pop_head(&moved)))
		list_add_tail(target, pos);
	return done;
}

static void owner_died(uint64_t addr, int tid)
{
	uint32_t word, old;

	if (addr % 4 || copy_from_user(&word, addr, sizeof(word)) < 0)
		return;
	if ((word & FUTEX_TID_MASK) != (uint32_t)tid)
		return;
	old = word;
	word = (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
	if (copy_to_user(addr, &word, sizeof(word)) < 0)
		return;
	if (old & FUTEX_WAITERS)
		futex_wake(addr, 1);
}

void futex_exit_robust_list(struct thread *t)
{
	uint64_t head[3]; /* next, offset, pending */
	uint64_t at;

	if (!t->robust_list ||
	    copy_from_user(head, t->robust_list, sizeof(head)) < 0)
		return;
	at = head[0];
	for (int i = 0; i < ROBUST_LIMIT && at && at != t->robust_list; i++) {
		uint64_t next;

		if (copy_from_user(&next, at & ~1ull, sizeof(next)) < 0)
			break;
		owner_died((at & ~1ull) + head[1], t->tid);
		at = next;
	}
	if (head[2])
		owner_died((head[2] & ~1ull) + head[1], t->tid);
}
