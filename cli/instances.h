/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running instances of this user: one socket for each, named after it,
 * in $XDG_RUNTIME_DIR/mayfly, or in /tmp/mayfly-UID if there is no such
 * place. The directory is the user's alone; an instance is there as long as
 * its socket answers.
 */
#ifndef CLI_INSTANCES_H
#define CLI_INSTANCES_H

#include <stddef.h>

#include "abi/instance.h"
#include "host/err.h"

struct instance_name {
	char name[MF_INST_NAME_MAX + 1]; /* empty: none was taken */
};

/*
 * Takes the name: returns a listening socket, -EEXIST if an instance that
 * runs has it, or another error.
 */
int instances_take(struct instance_name *ret, const char *name, struct err *e);
/* Gives it back. Harmless if it was not taken. */
void instances_give(struct instance_name *n);

/* A connection to the instance of that name; -ENOENT if there is none. */
int instances_connect(const char *name, struct err *e);

/* " a, b, c" of those that run, cut to `size`; "" if there are none. */
void instances_list(char *ret, size_t size);

#endif
