/* SPDX-License-Identifier: Apache-2.0 */
/* The first message to a monitor: struct mf_ctl_start and its strings. */
#ifndef LAUNCH_START_MESSAGE_H
#define LAUNCH_START_MESSAGE_H

#include <stddef.h>

#include "abi/ctl.h"
#include "host/err.h"
#include "image/image.h"
#include "launch/options.h"

#define START_MESSAGE_FDS_MAX (MF_PORTS_MAX + 4)

struct start_message {
	struct mf_ctl_start *start; /* owned; the strings follow it */
	size_t len; /* bytes of all */
};

/* Fills everything but the substrate and kvm_fd. */
int start_message_init(struct start_message *ret, const struct run_options *o,
		       const struct image *img, struct err *e);
/* That of a shell (MF_START_SHELL). */
int start_message_init_shell(struct start_message *ret, struct err *e);
/*
 * That of a kept copy once more (MF_START_AGAIN), with another identity, and
 * the name and variables of the options unless these are NULL.
 */
int start_message_init_again(struct start_message *ret,
			     const struct run_options *o, struct err *e);
/*
 * Another identity for the next instance, and its host name; `name` NULL: the
 * beginning of the identity. For a message of start_message_init.
 */
int start_message_rename(struct start_message *m, const char *name,
			 struct err *e);
/* The host name; borrowed. */
const char *start_message_name(const struct start_message *m);
/* Adds what the kvm substrate needs; the descriptor itself is sent apart. */
void start_message_add_kvm(struct start_message *m, int kvm_fd);
/* 0 or -errno. */
int start_message_send(const struct start_message *m, int ctl, const int *fds,
		       unsigned fd_count);
void start_message_fini(struct start_message *m);

#endif
