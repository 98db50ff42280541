/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refilling waits a moment, so that the request that took a shell has the
 * CPUs for itself; after a failure it waits longer each time.
 */
#include "daemon/shells.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/plan.h"
#include "host/log.h"

#define RETRY_NS      100000000ull
#define REFILL_NS     5000000ull
#define DOUBLINGS_MAX 8u

struct shell {
	struct list node;
	struct shells *shells;
	struct vm *vm;
	bool ready;
};

static void drop(struct shell *sh)
{
	struct shells *s = sh->shells;

	list_del(&sh->node);
	if (sh->ready)
		s->ready_count--;
	else
		s->starting_count--;
	free(sh);
}

static void retry_later(struct shells *s)
{
	uint32_t d = s->failures < DOUBLINGS_MAX ? s->failures : DOUBLINGS_MAX;

	s->failures++;
	(void)loop_timer_set(s->loop, &s->retry,
			     loop_now_ns(s->loop) + (RETRY_NS << d));
}

static void on_event(void *owner, const struct mf_ctl_event *ev,
		     const char *text)
{
	struct shell *sh = owner;
	struct shells *s = sh->shells;

	if (ev->kind == MF_EV_EXITED) {
		log_say("an empty machine ended: %s", text);
		return;
	}
	if (ev->kind != MF_EV_SHELL || sh->ready)
		return;
	list_del(&sh->node);
	list_add_tail(&s->ready, &sh->node);
	s->starting_count--;
	s->ready_count++;
	sh->ready = true;
	s->failures = 0;
}

static void on_gone(void *owner, const struct vm_end *end)
{
	struct shell *sh = owner;
	struct shells *s = sh->shells;

	if (end->error)
		log_say("cannot make an empty machine: %s", end->error);
	vm_free(sh->vm);
	drop(sh);
	retry_later(s);
}

static const struct vm_ops shell_vm_ops = {
	.event = on_event,
	.gone = on_gone,
};

static int make_one(struct shells *s, struct err *e)
{
	const struct spawner_limits none = { 0 };
	struct shell *sh = calloc(1, sizeof(*sh));
	int r;

	if (!sh)
		return err_set(e, ENOMEM, "out of memory");
	sh->shells = s;
	r = vm_new(&sh->vm, s->vms, &none, e);
	if (r < 0) {
		free(sh);
		return r;
	}
	vm_set_owner(sh->vm, &shell_vm_ops, sh);
	list_add_tail(&s->starting, &sh->node);
	s->starting_count++;
	r = plan_send_shell(sh->vm->ctl, s->kvm_fd, e);
	if (r < 0) {
		vm_free(sh->vm);
		drop(sh);
	}
	return r;
}

static void on_refill(struct loop_task *t)
{
	struct shells *s = container_of(t, struct shells, refill);
	struct err e;

	while (s->ready_count + s->starting_count < s->wanted) {
		if (make_one(s, &e) == 0)
			continue;
		log_say("%s", e.text);
		retry_later(s);
		return;
	}
}

static void on_retry(struct loop_timer *t)
{
	struct shells *s = container_of(t, struct shells, retry);

	loop_defer(s->loop, &s->refill);
}

void shells_init(struct shells *s, struct loop *l,
		 const struct shells_config *c)
{
	*s = (struct shells){
		.loop = l,
		.vms = c->vms,
		.wanted = c->wanted,
		.kvm_fd = c->kvm_fd,
		.substrate = c->kvm_fd >= 0 ? MF_SUBSTRATE_KVM :
					      MF_SUBSTRATE_PROCESS,
		.retry.fire = on_retry,
		.refill.run = on_refill,
	};
	list_init(&s->ready);
	list_init(&s->starting);
	loop_defer(l, &s->refill);
}

static void drop_all(struct list *head)
{
	struct shell *sh;

	while (!list_empty(head)) {
		sh = container_of(head->next, struct shell, node);
		vm_free(sh->vm);
		drop(sh);
	}
}

void shells_fini(struct shells *s)
{
	if (!s->loop)
		return;
	loop_timer_cancel(s->loop, &s->retry);
	loop_undefer(s->loop, &s->refill);
	drop_all(&s->ready);
	drop_all(&s->starting);
	s->loop = NULL;
}

struct vm *shells_take(struct shells *s, enum mf_substrate substrate)
{
	struct shell *sh;
	struct vm *vm;

	if (substrate != s->substrate || list_empty(&s->ready))
		return NULL;
	sh = container_of(s->ready.next, struct shell, node);
	vm = sh->vm;
	drop(sh);
	if (!s->failures)
		(void)loop_timer_set(s->loop, &s->retry,
				     loop_now_ns(s->loop) + REFILL_NS);
	return vm;
}
