/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door of a running instance: its socket (cli/instances.h), and what
 * other commands ask of it there. Only the same user, and root, get in.
 */
#ifndef CLI_DOOR_H
#define CLI_DOOR_H

#include <stdbool.h>

#include "cli/instances.h"

#define DOOR_GUESTS_MAX 8 /* connections at a time */

struct door {
	struct instance_name name;
	int listen_fd; /* -1: there is no door */
	int epoll_fd; /* readable when there is something to serve */
	bool borrowed; /* the epoll is the caller's, with data above `tag` */
	uint32_t tag; /* of this door there */
	int ctl; /* the monitor's control socket; borrowed */
	int guests[DOOR_GUESTS_MAX]; /* connections, or -1 */
	int tracer; /* index of the one that traces, or -1 */
	bool traced; /* by the command that runs the instance */
};

/* -EEXIST if the name is taken. */
int door_open(struct door *d, const char *name, struct err *e);
/*
 * One of many, watched by the caller's epoll: an event of this door has `tag`
 * in the upper half of its data, and in the lower what door_event wants.
 */
int door_open_in(struct door *d, const char *name, int epoll_fd, uint32_t tag,
		 struct err *e);
void door_event(struct door *d, uint32_t number);
/* Serves what has come; always true. */
bool door_serve(void *door);
/* Harmless if it is not open. */
void door_close(struct door *d);

#define DOOR_CLOSED                                                      \
	{                                                                \
		.listen_fd = -1, .epoll_fd = -1, .ctl = -1, .tracer = -1 \
	}

#endif
