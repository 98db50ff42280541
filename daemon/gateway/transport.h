/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's connection without or with TLS, behind one set of operations.
 * The socket is non-blocking; all counts are of bytes of HTTP.
 */
#ifndef DAEMON_GATEWAY_TRANSPORT_H
#define DAEMON_GATEWAY_TRANSPORT_H

#include <stddef.h>
#include <sys/types.h>

struct transport;

struct transport_ops {
	/* How many; 0: the other side sends no more; -EAGAIN: wait for the
	 * socket, for either direction; or another -errno. */
	ssize_t (*read)(struct transport *t, char *buf, size_t len);
	/* At least 1, -EAGAIN or -errno. After -EAGAIN the same bytes are
	 * given again, maybe with more behind them. */
	ssize_t (*write)(struct transport *t, const char *buf, size_t len);
	/* We send no more. */
	void (*finish)(struct transport *t);
	/* Gives everything back, the socket too. */
	void (*close)(struct transport *t);
};

struct transport {
	const struct transport_ops *ops;
	int fd; /* -1: closed */
	void *tls; /* of tls.c */
};

extern const struct transport_ops transport_plain;

#endif
