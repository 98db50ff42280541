/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One list holds the locks of all files: programs have few. The locks of one
 * owner on one file never overlap, and touch only if they are of different
 * types.
 */
#include "fs/rangelock.h"

#include <linux/fcntl.h>

#include "core/alloc.h"

static struct list locks = LIST_INIT(locks);
static struct waitq waiting = { LIST_INIT(waiting.waiters) };

static struct rangelock *lock_at(struct list *node)
{
	return container_of(node, struct rangelock, node);
}

static bool same_owner(const struct rangelock *a, const struct rangelock *b)
{
	return a->vn == b->vn && a->owner == b->owner;
}

static bool overlaps(const struct rangelock *a, const struct rangelock *b)
{
	return a->start <= b->end && b->start <= a->end;
}

const struct rangelock *rangelock_conflict(const struct rangelock *want)
{
	const struct rangelock *found = NULL;
	struct list *n;

	list_for_each(n, &locks) {
		const struct rangelock *l = lock_at(n);

		if (l->vn != want->vn || l->owner == want->owner ||
		    !overlaps(l, want))
			continue;
		if (l->type != F_WRLCK && want->type != F_WRLCK)
			continue;
		if (!found || l->start < found->start)
			found = l;
	}
	return found;
}

static void drop(struct rangelock *l)
{
	list_del(&l->node);
	kfree(l);
}

/*
 * Takes [want->start, want->end] out of the owner's lock l; *spare is used
 * up if that leaves two pieces.
 */
static void cut(struct rangelock *l, const struct rangelock *want,
		struct rangelock **spare)
{
	if (l->start >= want->start && l->end <= want->end) {
		drop(l);
		return;
	}
	if (l->start < want->start && l->end > want->end) {
		struct rangelock *high = *spare;

		/* Locks of an owner do not overlap: this happens once. */
		kassert(high);
		*spare = NULL;
		*high = *l;
		high->start = want->end + 1;
		l->end = want->start - 1;
		list_add_tail(&locks, &high->node);
		return;
	}
	if (l->start < want->start)
		l->end = want->start - 1;
	else
		l->start = want->end + 1;
}

/* Joins the new lock with what touches it on either side. */
static void join(struct rangelock *lock)
{
	struct list *n, *next;

	list_for_each_safe(n, next, &locks) {
		struct rangelock *l = lock_at(n);

		if (l == lock || !same_owner(l, lock) || l->type != lock->type)
			continue;
		if (l->end != INT64_MAX && l->end + 1 == lock->start)
			lock->start = l->start;
		else if (lock->end != INT64_MAX && lock->end + 1 == l->start)
			lock->end = l->end;
		else
			continue;
		drop(l);
	}
}

static int apply(const struct rangelock *want)
{
	struct rangelock *lock = kzalloc(sizeof(*lock));
	struct rangelock *spare = kzalloc(sizeof(*spare));
	struct list *n, *next;

	if (!lock || !spare) {
		kfree(lock);
		kfree(spare);
		return -ENOLCK;
	}
	list_for_each_safe(n, next, &locks) {
		struct rangelock *l = lock_at(n);

		if (same_owner(l, want) && overlaps(l, want))
			cut(l, want, &spare);
	}
	if (want->type == F_UNLCK) {
		kfree(lock);
	} else {
		*lock = *want;
		list_add_tail(&locks, &lock->node);
		join(lock);
	}
	kfree(spare);
	waitq_wake_all(&waiting);
	return 0;
}

int rangelock_set(const struct rangelock *want, bool wait)
{
	while (want->type != F_UNLCK && rangelock_conflict(want)) {
		if (!wait)
			return -EAGAIN;
		if (waitq_sleep(&waiting, DEADLINE_NEVER) == -EINTR)
			return -ERESTARTSYS;
	}
	return apply(want);
}

void rangelock_drop(const struct vnode *vn, const struct file *owner)
{
	struct list *n, *next;
	bool dropped = false;

	list_for_each_safe(n, next, &locks) {
		struct rangelock *l = lock_at(n);

		if (l->vn != vn || l->owner != owner)
			continue;
		drop(l);
		dropped = true;
	}
	if (dropped)
		waitq_wake_all(&waiting);
}
