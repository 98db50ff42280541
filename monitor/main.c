/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly-monitor: one process, one guest. Started by a parent that speaks
 * abi/ctl.h on descriptor 3; not meant to be run by hand.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "monitor/instance.h"

static struct instance instance;

static int choose_substrate(struct instance *inst, struct err *e)
{
	switch (inst->start.substrate) {
	case MF_SUBSTRATE_KVM:
		inst->ops = &substrate_kvm;
		return 0;
	case MF_SUBSTRATE_PROCESS:
		inst->ops = &substrate_process;
		return 0;
	default:
		break;
	}
	return err_set(e, EINVAL, "substrate %u does not exist",
		       inst->start.substrate);
}

static int rings_start(struct instance *inst, struct err *e)
{
	struct rings_config config = {
		.mem = &inst->mem,
		.console_fds = { 0, 1, 2 },
		.ports = inst->start.ports,
		.port_fds = inst->port_fds,
		.port_count = inst->start.port_count,
		.log = ctl_send_log,
		.log_arg = inst,
		.ask = inst->start.egress ? ctl_ask_connect : NULL,
	};
	int err;

	memcpy(config.console_flags, inst->start.console_flags,
	       sizeof(config.console_flags));
	err = rings_init(&inst->rings, &config);
	if (!err && inst->watch_fd >= 0)
		err = rings_watch(&inst->rings, inst->watch_fd);
	return err ? err_sys(e, -err, "cannot set up the rings") : 0;
}

static bool is_kept(const struct instance *inst)
{
	return inst->start.keep && inst->original;
}

/* What is the same for every guest. */
static int make_shell(struct instance *inst, struct err *e)
{
	int err;

	if ((err = ctl_receive_start(inst, e)) < 0 ||
	    (err = choose_substrate(inst, e)) < 0)
		return err;
	instance_phase(inst, MF_PHASE_SETUP);
	if ((err = jail_drop(inst, e)) < 0)
		return err;
	instance_phase(inst, MF_PHASE_JAIL);
	if (inst->start.kind == MF_START_SHELL && inst->start.ram_size &&
	    (err = loader_reserve(inst, e)) < 0)
		return err;
	err = inst->ops->create(inst, e);
	instance_phase(inst, MF_PHASE_VM);
	if (!err && !inst->ops->open_attach)
		err = jail_close(inst, e);
	instance_phase(inst, MF_PHASE_JAIL);
	return err;
}

/* Says that there is a shell, and waits for what goes into it. */
static int wait_as_shell(struct instance *inst, struct err *e)
{
	int err;

	if (!inst->original || !ctl_start_waits())
		ctl_send(ctl_event(MF_EV_SHELL), "", 0);
	err = ctl_receive_start(inst, e);
	if (err)
		return err;
	memset(inst->exit.stats.phase_us, 0, sizeof(inst->exit.stats.phase_us));
	inst->phase_ns = host_mono_ns();
	return 0;
}

/* Whatever happens, the jail is closed before the first instruction. */
static int fill_shell(struct instance *inst, struct err *e)
{
	int err = loader_init(inst, e);

	if (err)
		return err;
	/* Nobody else needs it. */
	if (!inst->start.keep && !inst->start.record && inst->pagemap_fd >= 0)
		close(take_fd(&inst->pagemap_fd));
	if (inst->trace_fd >= 0)
		trace_set(inst, &inst->start.trace, take_fd(&inst->trace_fd));
	if ((err = inst->ops->attach(inst, e)) < 0 ||
	    (err = clock_init(inst, e)) < 0 || (err = rings_start(inst, e)) < 0)
		return err;
	if (inst->start.keep && inst->start.kind == MF_START_COPY &&
	    inst->ops->reset && inst->pagemap_fd >= 0 &&
	    (err = recycle_prepare(inst, e)) < 0)
		return err;
	if (inst->start.kind == MF_START_SNAPSHOT &&
	    (err = image_pages_prepare(inst, e)) < 0)
		return err;
	instance_phase(inst, MF_PHASE_VM);
	if (inst->ops->open_attach && (err = jail_close(inst, e)) < 0)
		return err;
	instance_phase(inst, MF_PHASE_JAIL);
	return 0;
}

static int instance_start(struct instance *inst, struct err *e)
{
	int err = make_shell(inst, e);

	if (!err && inst->start.kind == MF_START_SHELL)
		err = wait_as_shell(inst, e);
	return err ? err : fill_shell(inst, e);
}

/* A kept copy from its beginning. */
static int instance_again(struct instance *inst, struct err *e)
{
	int err;

	if ((err = recycle(inst, e)) < 0 ||
	    (err = wait_as_shell(inst, e)) < 0 ||
	    (err = loader_fill_identity(inst, e)) < 0 ||
	    (err = clock_init(inst, e)) < 0)
		return err;
	instance_phase(inst, MF_PHASE_VM);
	return 0;
}

static void report_end(struct instance *inst)
{
	struct mf_ctl_event *ev = ctl_event(MF_EV_EXITED);

	ev->u.exit = inst->exit;
	ctl_send(ev, inst->exit_text, strlen(inst->exit_text));
}

/*
 * Now, for of a process that is not dumpable an ordinary user cannot open it;
 * and without capabilities, for else it would tell where in the host's memory
 * pages are.
 */
static int open_pagemap(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct had[2], less[2];
	int fd;

	if (syscall(SYS_capget, &head, had) < 0)
		return -1;
	memcpy(less, had, sizeof(less));
	less[0].effective &= ~(1u << CAP_SYS_ADMIN);
	if (syscall(SYS_capset, &head, less) < 0)
		return -1;
	fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (syscall(SYS_capset, &head, had) < 0)
		_exit(125);
	return fd;
}

int main(int argc, char **argv)
{
	struct instance *inst = &instance;
	struct err e = { 0 };
	bool said = false;
	int err;

	if (argc > 1 || fcntl(MF_CTL_FD, F_GETFD) < 0) {
		fprintf(stderr,
			"%s: started by mayfly, not by hand: it expects a "
			"control socket as descriptor %d\n",
			argv[0], MF_CTL_FD);
		return 125;
	}
	inst->born_ns = inst->phase_ns = host_mono_ns();
	inst->watch_fd = inst->trace_fd = inst->snapshot_fd = -1;
	inst->image_fd = inst->kvm_fd = -1;
	clock_birth(inst);
	inst->pagemap_fd = open_pagemap();
	prctl(PR_SET_DUMPABLE, 0);
	/* Started by execveat, Linux names us after a descriptor. */
	prctl(PR_SET_NAME, "mayfly-monitor");
	/* A file that may not grow is an error of the call, no more. */
	signal(SIGXFSZ, SIG_IGN);
	err = instance_start(inst, &e);
	while (!err && is_kept(inst)) {
		run_instance(inst);
		report_end(inst);
		said = true;
		err = instance_again(inst, &e);
	}
	/* Nobody wants it any more, or how its guest ended has been said. */
	if (err == -EPIPE || (err && said))
		_exit(0);
	if (err)
		instance_finish(inst, MF_EXIT_HOST, 0, "%s", e.text);
	else
		run_instance(inst);
	report_end(inst);
	_exit(0);
}
