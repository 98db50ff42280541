/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a platform does with its instances, without the platform. The port is
 * made to listen before the program asks for that, so that a request can come
 * first and wait.
 */
#include "cli/bench_vm.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define WAIT_MS 20000
#define BACKLOG 128

int bench_vm_reserve(struct bench_vm *ret, struct bench_plan *p, struct err *e)
{
	struct sockaddr_in addr = { 0 };
	socklen_t len = sizeof(addr);
	int fd, r;

	*ret = (struct bench_vm){ .launch = { .ctl = -1, .kvm_fd = -1 } };
	r = launch_prepare(&ret->launch, &p->options, p->img, e);
	if (r < 0)
		return r;
	fd = ret->launch.port_fds[0];
	if (listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
		return err_sys(e, errno, "cannot listen");
	ret->port = ntohs(addr.sin_port);
	return 0;
}

int bench_vm_spawn(struct bench_vm *v, struct bench_plan *p, struct err *e)
{
	return launch_spawn(&v->launch, p->paths.monitor, e);
}

static int wait_event(struct bench_vm *v, enum mf_event_kind kind,
		      struct err *e)
{
	return err_at(e, "an instance",
		      launch_wait_event(&v->launch, kind, WAIT_MS, e));
}

int bench_vm_shell(struct bench_vm *v, struct bench_plan *p, struct err *e)
{
	int r = bench_vm_spawn(v, p, e);

	if (r == 0)
		r = launch_send_shell(&v->launch, &p->copy->facts, e);
	return r == 0 ? wait_event(v, MF_EV_SHELL, e) : r;
}

int bench_vm_send(struct bench_vm *v, struct bench_plan *p,
		  struct run_snapshot *copy, bool keep, struct err *e)
{
	p->options.snapshot = copy;
	p->options.keep = keep;
	return launch_send(&v->launch, &p->options, p->img, e);
}

int bench_vm_wait_ready(struct bench_vm *v, struct err *e)
{
	return wait_event(v, MF_EV_READY, e);
}

int bench_vm_reset(struct bench_vm *v, struct err *e)
{
	const struct mf_ctl_command finish = { .kind = MF_CMD_FINISH };
	int r;

	if (send(v->launch.ctl, &finish, sizeof(finish), MSG_NOSIGNAL) < 0)
		return err_sys(e, errno, "cannot talk to the monitor");
	r = wait_event(v, MF_EV_EXITED, e);
	return r == 0 ? wait_event(v, MF_EV_SHELL, e) : r;
}

int bench_vm_again(struct bench_vm *v, struct err *e)
{
	return launch_send_again(&v->launch, NULL, e);
}

void bench_vm_fini(struct bench_vm *v)
{
	launch_fini(&v->launch);
	v->port = 0;
}
