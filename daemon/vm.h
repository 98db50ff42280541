/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A monitor process and our ends of what it was given: control socket,
 * standard input, output and error. What it is for, an owner knows, which may
 * change: a shell becomes an instance.
 */
#ifndef DAEMON_VM_H
#define DAEMON_VM_H

#include "abi/ctl.h"
#include "daemon/spawn.h"
#include "host/err.h"
#include "host/loop.h"

struct vm;

/* What the host says of a monitor's end. */
struct vm_end {
	int wait_status; /* -1: not known */
	bool oom; /* its cgroup's limit ended it */
	const char *error; /* it could not be started: why; or NULL */
};

struct vm_ops {
	void (*event)(void *owner, const struct mf_ctl_event *ev,
		      const char *text);
	/* The last call; the owner frees the vm. */
	void (*gone)(void *owner, const struct vm_end *end);
};

/* All of them, and the spawner that starts them. */
struct vms;

struct vms_config {
	struct loop *loop;
	const char *libexec; /* as of struct spawn_config */
	const char *cgroups, *uids;
	const char *monitor;
	/* The spawner is gone: nothing can be started any more. */
	void (*lost)(void *arg, const struct err *why);
	void *arg;
};
int vms_new(struct vms **ret, const struct vms_config *c, struct err *e);
/* Everything is killed. NULL is fine. */
void vms_free(struct vms *h);
/* What the spawner can do, once it said so. */
const struct spawner_ready *vms_walls(const struct vms *h);

struct vm {
	struct vms *host;
	uint64_t id; /* of the spawner's child */
	struct loop_watch watch;
	struct loop_timer late; /* its socket is closed, but it does not end */
	int ctl; /* -1: closed */
	int in_fd, out_fd, err_fd; /* ours unless taken; -1: none */
	int pid; /* 0: not known yet */
	struct vm_end end;
	char error[256];
	const struct vm_ops *ops;
	void *owner;
};

/* Nothing has to be waited for before it is sent a start. */
int vm_new(struct vm **ret, struct vms *h, const struct spawner_limits *limits,
	   struct err *e);
void vm_set_owner(struct vm *vm, const struct vm_ops *ops, void *owner);
/* Of one that is gone, or whose owner no longer wants to know. */
void vm_free(struct vm *vm);

/* Other walls around it, a moment later. */
void vm_limit(struct vm *vm, const struct spawner_limits *limits);
void vm_signal(struct vm *vm, uint32_t signal);
/* The guest ends; EXITED follows. */
void vm_finish(struct vm *vm);
/* The monitor ends; gone() follows. */
void vm_kill(struct vm *vm);
/* One that waits for another start ends. */
void vm_hang_up(struct vm *vm);

#endif
