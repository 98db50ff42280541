/* SPDX-License-Identifier: Apache-2.0 */
/* Messages over local sockets, each with at most one descriptor. */
#ifndef CLI_FD_MESSAGE_H
#define CLI_FD_MESSAGE_H

#include <sys/types.h>

/* 0 or -errno; fd may be -1. */
int fd_message_send(int sock, const void *message, size_t len, int fd);
/* Bytes, 0 at the end, or -errno; *ret_fd is -1 if none came. */
ssize_t fd_message_receive(int sock, void *message, size_t size, int *ret_fd);

#endif
