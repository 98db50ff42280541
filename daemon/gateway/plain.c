/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections without TLS: the calls of the system, with their errors as
 * results. A client that is gone is an error like another, not a signal.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/gateway/transport.h"

static ssize_t plain_read(struct transport *t, char *buf, size_t len)
{
	ssize_t n = recv(t->fd, buf, len, 0);

	return n < 0 ? -errno : n;
}

static ssize_t plain_write(struct transport *t, const char *buf, size_t len)
{
	ssize_t n = send(t->fd, buf, len, MSG_NOSIGNAL);

	return n < 0 ? -errno : n;
}

static void plain_finish(struct transport *t)
{
	shutdown(t->fd, SHUT_WR);
}

static void plain_close(struct transport *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

const struct transport_ops transport_plain = {
	.read = plain_read,
	.write = plain_write,
	.finish = plain_finish,
	.close = plain_close,
};
