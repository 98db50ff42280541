/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's end of the rings. The submission queue can be full while the
 * completion queue is full as well (the monitor takes nothing it could not
 * complete); then completions move to a stash, because their callbacks may
 * not run in the middle of whatever was submitting.
 */
#include "dev/ring.h"

#include "arch.h"
#include "core/alloc.h"
#include "core/commit.h"
#include "core/park.h"
#include "core/sched.h"
#include "core/snapshot.h"
#include "core/time.h"
#include "net/warmup.h"

#define SPIN_LOOK_NS 200000ull

static struct mf_sqe *const sq = (struct mf_sqe *)MF_SQ_VA;
static const struct mf_cqe *const cq = (const struct mf_cqe *)MF_CQ_VA;

static struct {
	struct mf_cqe *items;
	size_t count, taken, size;
} stash;

/*
 * What is under way, by the number that travels as user_data: a program that
 * rings by itself, or writes into the rings, gets its completions dropped.
 */
struct slot {
	struct ring_op *op; /* NULL: free */
	uint32_t round; /* upper half of user_data, differs at each use */
	uint32_t next_free;
};

#define NO_SLOT UINT32_MAX

static struct {
	struct slot *items;
	uint32_t size;
	uint32_t first_free;
} slots = { .first_free = NO_SLOT };

static bool asked_for_work; /* a read or accept was submitted */
static struct list deferred = LIST_INIT(deferred);
static bool said_ready;
static uint64_t last_look_ns; /* when the guest was last left */

static uint32_t sq_free(void)
{
	struct mf_ring_index *ix = &kernel_shared->ring;
	uint32_t head;

	head = atomic_load_explicit(&ix->sq_head, memory_order_acquire);
	return MF_SQ_ENTRIES - (ix->sq_tail - head);
}

bool ring_unsent(void)
{
	return sq_free() != MF_SQ_ENTRIES || !list_empty(&deferred);
}

bool ring_expecting(void)
{
	return asked_for_work;
}

/* Without a tick, a program that computes would keep what is queued. */
static void want_tick(void)
{
	atomic_store_explicit(&kernel_shared->want_tick, 1,
			      memory_order_relaxed);
}

static bool cq_take(struct mf_cqe *ret_cqe)
{
	struct mf_ring_index *ix = &kernel_shared->ring;
	uint32_t head = ix->cq_head;

	if (head == atomic_load_explicit(&ix->cq_tail, memory_order_acquire))
		return false;
	*ret_cqe = cq[head % MF_CQ_ENTRIES];
	atomic_store_explicit(&ix->cq_head, head + 1, memory_order_release);
	return true;
}

static void stash_completions(void)
{
	struct mf_cqe cqe;

	while (cq_take(&cqe)) {
		if (stash.count == stash.size) {
			size_t size = stash.size ? stash.size * 2 : 256;
			void *p = krealloc(stash.items,
					   stash.size * sizeof(cqe),
					   size * sizeof(cqe));

			if (!p)
				kpanic("no memory for ring completions");
			stash.items = p;
			stash.size = size;
		}
		stash.items[stash.count++] = cqe;
	}
}

static bool next_completion(struct mf_cqe *ret_cqe)
{
	if (stash.taken < stash.count) {
		*ret_cqe = stash.items[stash.taken++];
		return true;
	}
	stash.taken = 0;
	stash.count = 0;
	return cq_take(ret_cqe);
}

static void grow_slots(void)
{
	uint32_t size = slots.size ? slots.size * 2 : 64;
	struct slot *p = krealloc(slots.items, slots.size * sizeof(*p),
				  size * sizeof(*p));

	if (!p)
		kpanic("no memory for ring operations");
	for (uint32_t i = slots.size; i < size; i++)
		p[i] = (struct slot){ .next_free = i + 1, .round = 1 };
	p[size - 1].next_free = NO_SLOT;
	slots.first_free = slots.size;
	slots.items = p;
	slots.size = size;
}

static uint64_t slot_take(struct ring_op *op)
{
	uint32_t i;

	if (!op)
		return 0;
	if (slots.first_free == NO_SLOT)
		grow_slots();
	i = slots.first_free;
	slots.first_free = slots.items[i].next_free;
	slots.items[i].op = op;
	return (uint64_t)slots.items[i].round << 32 | i;
}

/* The operation that has completed; NULL if nobody wants to know. */
static struct ring_op *slot_release(uint64_t user_data)
{
	uint32_t i = (uint32_t)user_data;
	struct ring_op *op;
	struct slot *s;

	if (i >= slots.size)
		return NULL;
	s = &slots.items[i];
	if (!s->op || s->round != user_data >> 32)
		return NULL;
	op = s->op;
	s->op = NULL;
	if (!++s->round)
		s->round = 1;
	s->next_free = slots.first_free;
	slots.first_free = i;
	return op;
}

static bool is_read(uint8_t op)
{
	return op == MF_OP_RECV || op == MF_OP_RECVFROM || op == MF_OP_ACCEPT;
}

/* Unmapped memory that waited for an exit goes with it. */
static void ring_doorbell(uint64_t flags, uint64_t deadline_ns)
{
	bool parked = park_unmap();

	if (arch_mmu_take_flush())
		flags |= MF_RING_FLUSH;
	kernel_shared->arg[0] = flags;
	kernel_shared->arg[1] = deadline_ns;
	arch_doorbell(MF_DB_RING);
	last_look_ns = time_mono_ns();
	if (parked)
		commit_finish();
}

void ring_submit(const struct mf_sqe *sqe, struct ring_op *op)
{
	struct mf_ring_index *ix = &kernel_shared->ring;
	uint32_t tail = ix->sq_tail;
	struct mf_sqe *slot = &sq[tail % MF_SQ_ENTRIES];

	while (sq_free() == 0) {
		stash_completions();
		ring_doorbell(0, 0);
	}
	if (is_read(sqe->op))
		asked_for_work = true;
	*slot = *sqe;
	slot->user_data = slot_take(op);
	atomic_store_explicit(&ix->sq_tail, tail + 1, memory_order_release);
	want_tick();
}

bool ring_reap(void)
{
	struct mf_cqe cqe;
	bool any = false;

	while (next_completion(&cqe)) {
		struct ring_op *op = slot_release(cqe.user_data);

		any = true;
		if (op)
			op->done(op, cqe.res);
	}
	return any;
}

void ring_defer(struct ring_deferred *d)
{
	if (!d->node.next || list_empty(&d->node))
		list_add_tail(&deferred, &d->node);
	want_tick();
}

void ring_undefer(struct ring_deferred *d)
{
	if (d->node.next)
		list_del(&d->node);
}

static void prepare_deferred(void)
{
	struct list *n;

	while ((n = list_pop_head(&deferred))) {
		struct ring_deferred *d =
			container_of(n, struct ring_deferred, node);

		d->prepare(d);
	}
}

void ring_kick(void)
{
	prepare_deferred();
	ring_doorbell(0, 0);
}

void ring_expect(void)
{
	asked_for_work = true;
}

bool ring_settle(void)
{
	ring_kick();
	return !ring_unsent() && stash.taken == stash.count &&
	       kernel_shared->ring.cq_head ==
		       atomic_load_explicit(&kernel_shared->ring.cq_tail,
					    memory_order_acquire);
}

void ring_resume(void)
{
	for (uint32_t i = 0; i < slots.size; i++)
		if (slots.items[i].op)
			slot_release((uint64_t)slots.items[i].round << 32 | i);
	said_ready = false;
	last_look_ns = time_mono_ns();
}

void ring_wait(uint64_t deadline_ns)
{
	uint64_t flags = MF_RING_WAIT, until_ns;

	prepare_deferred();
	if (stash.taken < stash.count)
		flags = 0;
	if (flags && !said_ready && asked_for_work) {
		if (snapshot_wanted_at_wait() && warmup_step())
			return;
		if (warmup_busy(&until_ns)) {
			ring_doorbell(flags, min_u64(deadline_ns, until_ns));
			return;
		}
		if (snapshot_wanted_at_wait() && snapshot_point())
			return;
		said_ready = !snapshot_wanted();
		flags |= said_ready ? MF_RING_READY : 0;
	}
	ring_doorbell(flags, deadline_ns);
}

bool ring_spin(void)
{
	uint64_t now = time_mono_ns();

	if (ring_reap())
		return true;
	if (now - last_look_ns < SPIN_LOOK_NS)
		return false;
	ring_kick();
	return ring_reap();
}

struct ring_caller {
	struct ring_op op;
	struct waitq waitq;
	int64_t res;
	bool done;
};

static void caller_done(struct ring_op *op, int64_t res)
{
	struct ring_caller *c = container_of(op, struct ring_caller, op);

	c->res = res;
	c->done = true;
	waitq_wake_all(&c->waitq);
}

int64_t ring_call(const struct mf_sqe *sqe)
{
	struct ring_caller c = { .op.done = caller_done };

	waitq_init(&c.waitq);
	ring_submit(sqe, &c.op);
	ring_kick();
	ring_reap();
	while (!c.done)
		waitq_sleep_uninterruptible(&c.waitq, DEADLINE_NEVER);
	return c.res;
}
