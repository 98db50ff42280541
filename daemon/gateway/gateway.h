/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway: HTTP/1.1 from clients to functions and back. It finds the
 * function (registry_route), gets an instance for each request
 * (daemon/dispatch.h), and passes both bodies on as they come, through
 * buffers of fixed size: who is slow slows down the other side. What it
 * reads on either side is read by http/head.h, and written anew.
 *
 * Everything happens in the loop's thread and nothing blocks.
 */
#ifndef DAEMON_GATEWAY_GATEWAY_H
#define DAEMON_GATEWAY_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/dispatch.h"
#include "daemon/logs/logs.h"
#include "daemon/metrics/metrics.h"
#include "daemon/registry/registry.h"
#include "host/err.h"
#include "host/loop.h"

struct gateway;
struct tls; /* daemon/gateway/tls.h */

struct gateway_config {
	struct loop *loop;
	struct registry *registry;
	struct dispatch *dispatch;
	struct logs *logs; /* for the access log; NULL: none */
	struct metrics *metrics; /* NULL: none */
	/* Whether the bearer of a token may call a function; NULL: nobody
	 * may call one that needs a token. */
	bool (*token_ok)(void *ctx, const struct function *f, const char *token,
			 size_t len);
	void *token_ctx;
	/* Clients are proxies whose Forwarded and X-Forwarded-* are true. */
	bool trust_forwarded;
	/* 0 stands for the value behind it. */
	uint32_t connections_max; /* of clients; 4,096 */
	uint32_t calls_max; /* of them, of one calling version; 64 */
	uint32_t head_ms; /* from the first byte of a head to its last; 10 s */
	uint32_t keep_ms; /* between two requests of a connection; 75 s */
	uint32_t send_ms; /* a client takes nothing of an answer; 30 s */
	uint32_t half_ms; /* no byte in a tunnel that ended on one side; 30 s */
};

int gateway_new(struct gateway **ret, const struct gateway_config *c,
		struct err *e);
/* Ends all connections at once; before what the configuration names is freed.
 * NULL is fine. */
void gateway_free(struct gateway *g);

/*
 * Serves a listening, non-blocking socket, which it takes over, also on
 * failure: TCP or unix. `tls` may be NULL, else stays the caller's.
 */
int gateway_listen(struct gateway *g, int fd, struct tls *tls, struct err *e);

/*
 * A connection for the instances of a function, which may call those that
 * its egress rules name. Returns their end, non-blocking, or -errno: -EAGAIN
 * if there is no room for one, or for one of this version.
 */
int gateway_open(struct gateway *g, struct version *caller);

/*
 * A connection that somebody else accepted, for a client who may call every
 * function, for one request: `len` bytes of it were read already. Takes `fd`,
 * also on failure.
 * 0 or -errno.
 */
int gateway_adopt(struct gateway *g, int fd, const char *buf, size_t len);

/*
 * Accepts nothing more, ends connections as they become idle, and calls
 * `drained` when there is none (maybe at once).
 */
void gateway_drain(struct gateway *g, void (*drained)(void *ctx), void *ctx);

/* Connections of clients that are open. */
uint32_t gateway_connections(const struct gateway *g);

#endif
