/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls of the rings, each with its reason. Apart from rings.c
 * because the jail's filter is made at build time, by a program that needs
 * nothing else of the rings.
 */
#include <sys/syscall.h>

#include "monitor/rings.h"

const struct rings_syscall rings_syscalls[] = {
	{ SYS_epoll_ctl, "watch a descriptor that was not ready" },
	{ SYS_epoll_pwait2, "sleep until a descriptor is ready" },
	{ SYS_epoll_wait, "look for ready descriptors" },
	{ SYS_epoll_pwait, "epoll_wait of C libraries" },
	{ SYS_clock_gettime, "deadlines, where the vDSO has no clock" },
	{ SYS_poll, "ask whether the console would block" },
	{ SYS_ppoll, "poll of C libraries" },
	{ SYS_read, "console input" },
	{ SYS_write, "console output" },
	{ SYS_recvfrom, "streams and datagrams" },
	{ SYS_sendto, "streams and datagrams" },
	{ SYS_accept4, "connections to published ports" },
	{ SYS_listen, "the guest listens on a published port" },
	{ SYS_getsockopt, "how an attempt to connect ended" },
	{ SYS_shutdown, "the guest ends one direction of a stream" },
	{ SYS_setsockopt, "options the guest may set on a stream" },
	{ SYS_close, "the guest closes a stream" },
	{ SYS_munmap, "the handle table goes" },
};
const size_t rings_syscall_count =
	sizeof(rings_syscalls) / sizeof(rings_syscalls[0]);
