/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects a guest can name: its console, its published ports, the streams
 * accepted on them, and its outbound connections. A table indexed by handle
 * number, reserved once and touched as it grows, so that a guest cannot make
 * the monitor allocate.
 *
 * A handle carries at most one pending operation a side. `can_read` and
 * `can_write` mean "worth trying": they start true, fall when the host says
 * EAGAIN and rise with an edge of the epoll, which a descriptor joins only
 * when it first has to wait.
 */
#ifndef MONITOR_HANDLES_H
#define MONITOR_HANDLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/guest.h"

struct peers; /* monitor/peers.h */

enum handle_kind {
	HANDLE_FREE = 0,
	HANDLE_CONSOLE,
	HANDLE_LISTENER, /* a published TCP port, listening or not */
	HANDLE_DATAGRAM, /* a published UDP port */
	HANDLE_STREAM,
	HANDLE_FLOW, /* outbound datagrams, to and from one peer */
	HANDLE_CONNECTING, /* monitor/connect.c; no operation takes it */
};

enum connect_stage {
	CONNECT_QUEUED = 0, /* to be asked for */
	CONNECT_ASKED, /* the parent's answer will come */
	CONNECT_WAITING, /* for the far end */
	CONNECT_OVER, /* `result` is to be told */
};

struct pending {
	uint8_t op; /* enum mf_op; MF_OP_NOP: nothing is pending */
	uint32_t len, done; /* bytes */
	uint8_t *buf; /* guest memory, checked */
	uint8_t *ret_peer; /* guest memory, checked, not aligned */
	struct mf_endpoint peer; /* destination of a datagram */
	uint64_t user_data;
};

struct handle {
	uint8_t kind; /* enum handle_kind */
	bool can_read, can_write;
	bool saw_hangup; /* never clear can_read again */
	bool is_file; /* regular: never blocks */
	bool inet6; /* a datagram socket of AF_INET6 */
	bool listening;
	bool shared; /* other instances have this listener too */
	bool closing; /* close once `wr` is done */
	bool shut_wr; /* shut down once `wr` is done */
	uint32_t watched; /* EPOLL* bits the epoll has; 0: not a member */
	int fd;
	uint32_t next_free;
	uint8_t stage; /* enum connect_stage */
	uint8_t proto; /* connecting: 6 or 17 */
	bool cancelled; /* connecting: nobody wants it any more */
	int result; /* connecting: 0 or -errno */
	uint64_t cookie; /* connecting: what it is cancelled by */
	uint64_t close_user_data;
	struct pending rd, wr;
	struct peers *peers; /* datagram: who may be answered */
};

struct handles {
	struct handle *table; /* MF_HANDLES_MAX entries */
	uint32_t used; /* numbers from here on were never given out */
	uint32_t first_free; /* list by next_free; MF_HANDLES_MAX: empty */
	int epoll_fd;
};

#define HANDLES_EXTRA UINT32_MAX /* epoll data of a foreign descriptor */

/* 0 or -errno. */
int handles_init(struct handles *hs);
/* Closes every descriptor but the console's. */
void handles_fini(struct handles *hs);

/*
 * As before the guest ran: the console and the first `ports` handles behind
 * it stay, with nothing pending and nothing known of them.
 */
void handles_again(struct handles *hs, uint32_t ports);

/* Makes handle number `nr` name fd; used before the guest runs. */
struct handle *handles_put(struct handles *hs, uint32_t nr,
			   enum handle_kind kind, int fd);
/* A new handle; takes fd (or -1). NULL if all numbers are in use. */
struct handle *handles_new(struct handles *hs, enum handle_kind kind, int fd);
bool handles_full(const struct handles *hs);
/* Closes a handle of handles_new and frees its number. */
void handles_drop(struct handles *hs, struct handle *h);

/* NULL if nr names nothing, or something that is being closed. */
struct handle *handles_get(struct handles *hs, uint32_t nr);
uint32_t handles_number(const struct handles *hs, const struct handle *h);

/*
 * Have edges of `events` (EPOLLIN, EPOLLOUT) reported from now on, and the
 * state of now, if it is ready, once. 0 or -errno.
 */
int handles_watch(struct handles *hs, struct handle *h, uint32_t events);
/* No longer; harmless if they are not. */
void handles_unwatch(struct handles *hs, struct handle *h);

#endif
