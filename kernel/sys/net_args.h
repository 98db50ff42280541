/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of the socket calls, shared by sys_net.c and sys_msg.c. */
#ifndef KERNEL_SYS_NET_ARGS_H
#define KERNEL_SYS_NET_ARGS_H

#include "net/socket.h"

/* 0 with a reference to the file, -EBADF or -ENOTSOCK. */
int net_get_socket(int fd, struct file **ret_file, struct socket **ret);

/* 0, -EINVAL or -EFAULT. */
int net_get_name(uint64_t uaddr, uint64_t len, struct sock_name *ret);
/* Writes at most *ulen bytes and the true length; uaddr 0: nothing. */
int net_put_name(uint64_t uaddr, uint64_t ulen, const struct sock_name *n);

#endif
