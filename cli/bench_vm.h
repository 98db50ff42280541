/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instances for a benchmark, in each state that one can be in when a request
 * comes: not there, a shell, ready, used.
 */
#ifndef CLI_BENCH_VM_H
#define CLI_BENCH_VM_H

#include "cli/run_options.h"
#include "image/image.h"
#include "launch/launch.h"
#include "launch/paths.h"

/* What all instances of a benchmark have in common. */
struct bench_plan {
	struct run_options options; /* of a boot */
	struct run_snapshot *copy;
	const struct image *img;
	struct paths paths;
};

struct bench_vm {
	struct launch launch;
	uint16_t port; /* where it listens, 0: no instance */
};

/* Its port is there and takes connections; nothing else of it is. */
int bench_vm_reserve(struct bench_vm *ret, struct bench_plan *p, struct err *e);
int bench_vm_spawn(struct bench_vm *v, struct bench_plan *p, struct err *e);
/* Spawns a shell, and waits until it is one. */
int bench_vm_shell(struct bench_vm *v, struct bench_plan *p, struct err *e);
/* The instance begins; by a boot if `copy` is NULL. */
int bench_vm_send(struct bench_vm *v, struct bench_plan *p,
		  struct run_snapshot *copy, bool keep, struct err *e);
/* The program waits for work. */
int bench_vm_wait_ready(struct bench_vm *v, struct err *e);
/* Ends a kept instance, and waits until it is reset. */
int bench_vm_reset(struct bench_vm *v, struct err *e);
/* Begins it once more. */
int bench_vm_again(struct bench_vm *v, struct err *e);
void bench_vm_fini(struct bench_vm *v);

#endif
