/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The submission and completion rings: all I/O of a guest.
 *
 * Indices run freely and are taken modulo the (power of two) entry count.
 * The kernel writes sq_tail and cq_head, the monitor sq_head and cq_tail.
 * A handle names an object the monitor made; it carries at most one pending
 * read-side operation and one pending write-side operation (a further one
 * completes with -EBUSY). A buffer belongs to the monitor from submission to
 * completion. Every submission completes exactly once, unless stated.
 */
#ifndef ABI_RING_H
#define ABI_RING_H

#include "abi/layout.h"

#define MF_SQ_ENTRIES 128u
#define MF_CQ_ENTRIES 256u

/* Handles that exist from the start. */
#define MF_HANDLE_STDIN	 0u
#define MF_HANDLE_STDOUT 1u
#define MF_HANDLE_STDERR 2u
#define MF_HANDLE_PORT0	 3u /* published port i is MF_HANDLE_PORT0 + i */
#define MF_HANDLES_MAX	 16384u
#define MF_IO_LEN_MAX	 (1u << 20) /* bytes per operation */

enum mf_op {
	MF_OP_NOP = 0,
	/* read side: res = bytes, 0 at end of file */
	MF_OP_READ = 1, /* console */
	MF_OP_RECV = 2, /* stream; flow: one datagram, 0 if it is empty */
	MF_OP_RECVFROM = 3, /* datagram; addr2 = struct mf_endpoint (out) */
	MF_OP_ACCEPT = 4, /* listener; addr2 = struct mf_endpoint (out);
			   * res = the new handle; data that is already
			   * there, at most len bytes, comes along at addr:
			   * its length is res >> MF_ACCEPT_LEN_SHIFT */
	/* write side: res = bytes, always all of them or an error */
	MF_OP_WRITE = 5, /* console */
	MF_OP_SEND = 6, /* stream; flow: one datagram */
	MF_OP_SENDTO = 7, /* datagram; addr2 = struct mf_endpoint (in) */
	/* at once */
	MF_OP_LISTEN = 8, /* published TCP port; arg = backlog */
	MF_OP_SHUTDOWN = 9, /* stream; arg = SHUT_RD, SHUT_WR or SHUT_RDWR;
			     * SHUT_WR takes effect after a pending send */
	MF_OP_CLOSE = 10, /* stream, flow: a pending read completes -ECANCELED;
			   * a pending send is finished first; then the close
			   * completes and the handle number is free again.
			   * listener, datagram: stops listening or drops
			   * pending reads, the handle stays */
	MF_OP_SETOPT = 11, /* arg = enum mf_sockopt, offset = value */
	MF_OP_LOG = 12, /* addr, len: one line of text for the log */
	/* outbound connections, where mf_boot.egress allows any */
	MF_OP_CONNECT = 13, /* arg = 6 (TCP) or 17 (UDP), offset = a number to
			     * cancel it by, addr2 = struct mf_endpoint, in:
			     * the destination, out: our end; res = a new
			     * handle, a stream or a flow, once connected */
	MF_OP_CANCEL = 14, /* the CONNECT with this offset ends -ECANCELED, or
			    * there is none: -ENOENT */
	MF_OP_COUNT = 15,
};

#define MF_ACCEPT_LEN_SHIFT   32
#define MF_ACCEPT_HANDLE(res) ((uint32_t)(res))

enum mf_sockopt {
	MF_SO_NODELAY = 1, /* 0 or 1 */
	MF_SO_KEEPALIVE = 2, /* 0 or 1 */
	MF_SO_LINGER_RST = 3, /* 1: close sends a reset */
};

/*
 * QUIET: if the operation succeeds at once, its completion does not end a
 * MF_RING_WAIT by itself. What had to wait, or failed, always does.
 */
enum mf_sqe_flag {
	MF_SQE_QUIET = 1u,
};

struct mf_sqe {
	uint8_t op; /* enum mf_op */
	uint8_t flags; /* enum mf_sqe_flag */
	uint16_t reserved; /* 0 */
	uint32_t handle;
	gpa_t addr;
	uint32_t len; /* bytes, at most MF_IO_LEN_MAX */
	uint32_t arg;
	uint64_t offset;
	gpa_t addr2;
	uint64_t user_data; /* returned in the completion */
	uint64_t pad[2]; /* 0 */
};

struct mf_cqe {
	uint64_t user_data;
	int64_t res; /* >= 0, or a negative Linux errno */
};

/* The far (or, for a datagram, the other) end of a socket. */
struct mf_endpoint {
	uint16_t family; /* 2 = AF_INET, 10 = AF_INET6 (Linux values) */
	uint16_t port; /* host byte order */
	uint32_t scope; /* IPv6 scope id, else 0 */
	uint8_t addr[16]; /* network byte order; IPv4 in the first 4 bytes */
};

_Static_assert(sizeof(struct mf_sqe) == 64, "mf_sqe size");
_Static_assert(sizeof(struct mf_cqe) == 16, "mf_cqe size");
_Static_assert(sizeof(struct mf_endpoint) == 24, "mf_endpoint size");
_Static_assert(MF_SQ_ENTRIES * 64 <= 0x2000, "SQ fits its pages");
_Static_assert(MF_CQ_ENTRIES * 16 <= 0x1000, "CQ fits its page");

#endif
