/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pending signals as a bit set and a list of what came with them. Without
 * memory for a list entry the bit alone remains and the signal arrives with
 * an empty siginfo: a signal is never lost.
 */
#include "core/sigqueue.h"

#include <asm/siginfo.h>
#include <limits.h>

#include "core/alloc.h"

struct entry {
	struct list node;
	struct ksiginfo info;
};

static struct entry *find(const struct sigqueue *q, int sig)
{
	struct list *pos;

	if (!q->entries.next)
		return NULL;
	list_for_each(pos, &q->entries) {
		struct entry *e = container_of(pos, struct entry, node);

		if (e->info.signo == sig)
			return e;
	}
	return NULL;
}

/* A timer's signal that still waits counts what comes after it. */
static bool add_overrun(struct sigqueue *q, const struct ksiginfo *info)
{
	struct list *pos;

	if (info->code != SI_TIMER || !q->entries.next)
		return false;
	list_for_each(pos, &q->entries) {
		struct entry *e = container_of(pos, struct entry, node);
		int room = INT_MAX - e->info.uid;

		if (e->info.code != SI_TIMER || e->info.pid != info->pid)
			continue;
		e->info.uid += info->uid < room ? info->uid + 1 : room;
		return true;
	}
	return false;
}

int sigqueue_add(struct sigqueue *q, const struct ksiginfo *info)
{
	uint64_t bit = SIG_BIT(info->signo);
	struct entry *e;

	if (!q->entries.next)
		list_init(&q->entries);
	if (add_overrun(q, info))
		return 0;
	if (info->signo < SIG_RT && (q->pending & bit))
		return 0;
	if (info->signo >= SIG_RT && q->count >= SIGQUEUE_MAX)
		return -EAGAIN;
	q->pending |= bit;
	e = kzalloc(sizeof(*e));
	if (!e)
		return 0;
	e->info = *info;
	list_add_tail(&q->entries, &e->node);
	q->count++;
	return 0;
}

static void remove_entry(struct sigqueue *q, struct entry *e)
{
	list_del(&e->node);
	q->count--;
	kfree(e);
}

void sigqueue_take(struct sigqueue *q, int sig, struct ksiginfo *ret)
{
	struct entry *e = find(q, sig);

	*ret = (struct ksiginfo){ .signo = sig };
	if (e) {
		*ret = e->info;
		remove_entry(q, e);
	}
	if (!find(q, sig))
		q->pending &= ~SIG_BIT(sig);
}

void sigqueue_drop(struct sigqueue *q, int sig)
{
	struct entry *e;

	while ((e = find(q, sig)))
		remove_entry(q, e);
	q->pending &= ~SIG_BIT(sig);
}

void sigqueue_clear(struct sigqueue *q)
{
	struct list *pos, *tmp;

	if (q->entries.next) {
		list_for_each_safe(pos, tmp, &q->entries)
			remove_entry(q, container_of(pos, struct entry, node));
	}
	q->pending = 0;
}
