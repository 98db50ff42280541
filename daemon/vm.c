/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two tell of a monitor: itself, over its control socket, and the spawner,
 * which is its parent. Its last word may come after the spawner's, so what
 * the socket still holds is read before the owner is told that it is gone.
 */
#include "daemon/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "host/log.h"
#include "lib/list.h"

#define TEXT_MAX 4096
#define LATE_NS	 5000000000ull
#define SLOTS	 65536u /* a power of two, above the spawner's limit */

struct vms {
	struct loop *loop;
	struct spawn *spawn;
	struct vms_config config;
	struct spawner_ready walls;
	uint64_t ids; /* given so far */
	struct vm *slots[SLOTS]; /* by the low bits of the id */
};

static struct vm *find(const struct vms *h, uint64_t id)
{
	struct vm *vm = h->slots[id % SLOTS];

	return vm && vm->id == id ? vm : NULL;
}

/* ---- the control socket -------------------------------------------------- */

static void close_ctl(struct vm *vm)
{
	loop_unwatch(&vm->watch);
	if (vm->ctl >= 0)
		close(take_fd(&vm->ctl));
}

/* False when there is no more. */
static bool read_event(struct vm *vm)
{
	static struct {
		struct mf_ctl_event ev;
		char text[TEXT_MAX + 1];
	} m;
	ssize_t n = recv(vm->ctl, &m, sizeof(m) - 1, MSG_DONTWAIT);

	/* It ended with commands unread: its last words come behind that. */
	if (n < 0)
		return errno == EINTR || errno == ECONNRESET;
	if (n == 0) {
		close_ctl(vm);
		(void)loop_timer_set(vm->host->loop, &vm->late,
				     loop_now_ns(vm->host->loop) + LATE_NS);
		return false;
	}
	if ((size_t)n < sizeof(m.ev))
		return true;
	((char *)&m)[n] = '\0';
	if (m.ev.text_len > (size_t)n - sizeof(m.ev))
		m.ev.text_len = (uint32_t)((size_t)n - sizeof(m.ev));
	vm->ops->event(vm->owner, &m.ev, m.text);
	return true;
}

/* Its owner may close it, but not free it, in an event. */
static void on_ctl(struct loop_watch *w, uint32_t events)
{
	struct vm *vm = container_of(w, struct vm, watch);

	(void)events;
	/* What comes behind it is told again; that is rare. */
	read_event(vm);
}

static void send_command(struct vm *vm, const struct mf_ctl_command *c)
{
	if (vm->ctl >= 0)
		send(vm->ctl, c, sizeof(*c), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void vm_signal(struct vm *vm, uint32_t signal)
{
	send_command(vm, &(struct mf_ctl_command){ .kind = MF_CMD_SIGNAL,
						   .u.signal = signal });
}

void vm_finish(struct vm *vm)
{
	send_command(vm, &(struct mf_ctl_command){ .kind = MF_CMD_FINISH });
}

/* Reading goes on, for what it still says. */
void vm_hang_up(struct vm *vm)
{
	if (vm->ctl >= 0)
		shutdown(vm->ctl, SHUT_WR);
}

void vm_limit(struct vm *vm, const struct spawner_limits *limits)
{
	if (spawn_limit(vm->host->spawn, vm->id, limits) < 0)
		log_say("the limits of an instance could not be changed");
}

void vm_kill(struct vm *vm)
{
	if (spawn_kill(vm->host->spawn, vm->id) < 0)
		close_ctl(vm);
}

/* ---- the spawner --------------------------------------------------------- */

static void tell_gone(struct vm *vm)
{
	loop_timer_cancel(vm->host->loop, &vm->late);
	while (vm->ctl >= 0 && read_event(vm))
		;
	close_ctl(vm);
	vm->host->slots[vm->id % SLOTS] = NULL;
	vm->ops->gone(vm->owner, &vm->end);
}

static void on_spawned(void *arg, uint64_t id, const struct spawner_spawned *s)
{
	struct vm *vm = find(arg, id);

	if (vm)
		vm->pid = s->pid;
}

static void on_failed(void *arg, uint64_t id, const struct err *why)
{
	struct vm *vm = find(arg, id);

	if (!vm)
		return;
	snprintf(vm->error, sizeof(vm->error), "%s", why->text);
	vm->end.error = vm->error;
	tell_gone(vm);
}

static void on_exited(void *arg, uint64_t id, const struct spawner_exited *x)
{
	struct vm *vm = find(arg, id);

	if (!vm)
		return;
	vm->end.wait_status = x->wait_status;
	vm->end.oom = x->oom_kills > 0;
	tell_gone(vm);
}

static void on_late(struct loop_timer *t)
{
	struct vm *vm = container_of(t, struct vm, late);

	vm_kill(vm);
}

static void on_ready(void *arg, const struct spawner_ready *r,
		     const char *missing)
{
	struct vms *h = arg;

	h->walls = *r;
	if (missing[0])
		log_say("%s: of an instance only memory and time are limited",
			missing);
}

static void on_unlimited(void *arg, uint64_t id, const struct err *why)
{
	(void)arg;
	(void)id;
	log_say("an instance keeps its limits: %s", why->text);
}

static void on_lost(void *arg, const struct err *why)
{
	struct vms *h = arg;

	for (uint32_t i = 0; i < SLOTS; i++)
		if (h->slots[i])
			tell_gone(h->slots[i]);
	h->config.lost(h->config.arg, why);
}

static const struct spawn_ops vms_spawn_ops = {
	.ready = on_ready,
	.spawned = on_spawned,
	.failed = on_failed,
	.exited = on_exited,
	.unlimited = on_unlimited,
	.lost = on_lost,
};

int vms_new(struct vms **ret, const struct vms_config *c, struct err *e)
{
	struct vms *h = calloc(1, sizeof(*h));
	const struct spawn_config config = {
		.libexec = c->libexec,
		.cgroups = c->cgroups,
		.uids = c->uids,
		.ops = &vms_spawn_ops,
		.arg = h,
	};
	int r;

	if (!h)
		return err_set(e, ENOMEM, "out of memory");
	h->loop = c->loop;
	h->config = *c;
	r = spawn_start(&h->spawn, c->loop, &config, e);
	if (r < 0) {
		free(h);
		return r;
	}
	*ret = h;
	return 0;
}

void vms_free(struct vms *h)
{
	if (!h)
		return;
	spawn_free(h->spawn);
	free(h);
}

const struct spawner_ready *vms_walls(const struct vms *h)
{
	return &h->walls;
}

/* ---- one of them --------------------------------------------------------- */

struct pipes {
	int theirs[SPAWNER_FD_COUNT];
	int ours[SPAWNER_FD_COUNT];
};

static void close_all(int fds[SPAWNER_FD_COUNT])
{
	for (int i = 0; i < SPAWNER_FD_COUNT; i++)
		if (fds[i] >= 0)
			close(take_fd(&fds[i]));
}

/* Only our ends do not block: theirs would be seen so by the guest. */
static int make_pipe(struct pipes *p, enum spawner_fd which, bool we_write)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	p->ours[which] = fds[we_write];
	p->theirs[which] = fds[!we_write];
	return fcntl(p->ours[which], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int make_pipes(struct pipes *p)
{
	int pair[2], r;

	for (int i = 0; i < SPAWNER_FD_COUNT; i++)
		p->ours[i] = p->theirs[i] = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	p->ours[SPAWNER_FD_CONTROL] = pair[0];
	p->theirs[SPAWNER_FD_CONTROL] = pair[1];
	/* A monitor that does not read must not make us wait. */
	if (fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	r = make_pipe(p, SPAWNER_FD_STDIN, true);
	if (r == 0)
		r = make_pipe(p, SPAWNER_FD_STDOUT, false);
	if (r == 0)
		r = make_pipe(p, SPAWNER_FD_STDERR, false);
	return r;
}

static int take_slot(struct vms *h, struct vm *vm)
{
	for (uint32_t tries = 0; tries < SLOTS; tries++) {
		uint64_t id = ++h->ids;

		if (h->slots[id % SLOTS])
			continue;
		vm->id = id;
		h->slots[id % SLOTS] = vm;
		return 0;
	}
	return -EMFILE;
}

static int begin(struct vm *vm, const struct spawner_limits *limits,
		 struct err *e)
{
	struct vms *h = vm->host;
	struct pipes p;
	int r = make_pipes(&p);

	vm->ctl = p.ours[SPAWNER_FD_CONTROL];
	vm->in_fd = p.ours[SPAWNER_FD_STDIN];
	vm->out_fd = p.ours[SPAWNER_FD_STDOUT];
	vm->err_fd = p.ours[SPAWNER_FD_STDERR];
	if (r == 0)
		r = take_slot(h, vm);
	if (r == 0)
		r = loop_watch(h->loop, &vm->watch, vm->ctl, EPOLLIN);
	if (r < 0) {
		close_all(p.theirs);
		return err_sys(e, -r, "cannot make the pipes of an instance");
	}
	return spawn_request(h->spawn, vm->id, limits, p.theirs, e);
}

int vm_new(struct vm **ret, struct vms *h, const struct spawner_limits *limits,
	   struct err *e)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	int r;

	if (!vm)
		return err_set(e, ENOMEM, "out of memory");
	vm->host = h;
	vm->watch.ready = on_ctl;
	vm->late.fire = on_late;
	vm->end.wait_status = -1;
	r = begin(vm, limits, e);
	if (r < 0) {
		vm_free(vm);
		return r;
	}
	*ret = vm;
	return 0;
}

void vm_set_owner(struct vm *vm, const struct vm_ops *ops, void *owner)
{
	vm->ops = ops;
	vm->owner = owner;
}

void vm_free(struct vm *vm)
{
	struct vms *h = vm->host;

	if (vm->id && h->slots[vm->id % SLOTS] == vm) {
		h->slots[vm->id % SLOTS] = NULL;
		(void)spawn_kill(h->spawn, vm->id);
	}
	loop_timer_cancel(h->loop, &vm->late);
	close_ctl(vm);
	if (vm->in_fd >= 0)
		close(vm->in_fd);
	if (vm->out_fd >= 0)
		close(vm->out_fd);
	if (vm->err_fd >= 0)
		close(vm->err_fd);
	free(vm);
}
