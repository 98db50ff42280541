/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets of TCP, from the words of an option. */
#ifndef HOST_LISTEN_H
#define HOST_LISTEN_H

#include "host/err.h"

/*
 * [ADDR:]PORT, an IPv6 address in brackets; without an address 127.0.0.1. No
 * name is looked up. The socket listens, does not block, and is closed at
 * exec. `option` is named in messages ("--listen"). A descriptor or -errno.
 */
int listen_tcp(const char *text, const char *option, struct err *e);

#define LISTEN_TEXT 80
/* "127.0.0.1:8080", where it really listens. */
void listen_text(char ret[LISTEN_TEXT], int fd);
/* Its port; 0: it has none. */
unsigned listen_port(int fd);

#endif
