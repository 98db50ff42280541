/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all sockets share: their file, waiting, errors, making them. The
 * families are behind struct socket_ops.
 */
#include "net/socket.h"

#include <asm/ioctls.h>
#include <asm/stat.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/in.h>
#include <linux/sockios.h>
#include <linux/stat.h>

#include "core/alloc.h"
#include "core/signal.h"
#include "core/time.h"
#include "dev/ring.h"
#include "net/inet.h"

#define BUF_DEFAULT 212992

static long socket_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	struct socket *s = f->priv;
	struct sock_msg m = { .iter = to };
	long n;

	(void)pos;
	if (!to->left)
		return 0;
	if (f->flags & O_NONBLOCK)
		m.flags |= MSG_DONTWAIT;
	n = s->ops->recv(s, &m);
	scm_free(m.files);
	return n;
}

static long socket_write(struct file *f, struct iov_iter *from, int64_t *pos)
{
	struct socket *s = f->priv;
	struct sock_msg m = { .iter = from };

	(void)pos;
	if (f->flags & O_NONBLOCK)
		m.flags |= MSG_DONTWAIT;
	return s->ops->send(s, &m);
}

static uint32_t socket_poll(struct file *f)
{
	struct socket *s = f->priv;
	uint32_t ev = s->ops->poll(s);

	return s->error ? ev | EPOLLERR : ev;
}

static long socket_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	struct socket *s = f->priv;
	int n;

	switch (cmd) {
	case FIONREAD:
		if (s->listening)
			return -EINVAL;
		n = s->ops->readable ? (int)s->ops->readable(s) : 0;
		return copy_to_user(arg, &n, sizeof(n));
	case SIOCATMARK:
	case TIOCOUTQ:
		n = 0;
		return copy_to_user(arg, &n, sizeof(n));
	default:
		return ifconf_ioctl(cmd, arg);
	}
}

static int socket_stat(struct file *f, struct stat *st)
{
	file_stat_fill(st, S_IFSOCK | 0777);
	st->st_ino = (uint64_t)(uintptr_t)f->priv >> 4;
	return 0;
}

static void socket_release(struct file *f)
{
	struct socket *s = f->priv;

	s->file = NULL;
	s->ops->release(s);
}

static const struct file_ops socket_file_ops = {
	.read = socket_read,
	.write = socket_write,
	.poll = socket_poll,
	.ioctl = socket_ioctl,
	.stat = socket_stat,
	.release = socket_release,
};

void socket_init(struct socket *s, const struct socket_ops *ops,
		 uint16_t family, uint16_t type, uint16_t protocol)
{
	s->ops = ops;
	s->family = family;
	s->type = type;
	s->protocol = protocol;
	s->opts.sndbuf = BUF_DEFAULT;
	s->opts.rcvbuf = BUF_DEFAULT;
	s->opts.keepidle = 7200;
	s->opts.keepintvl = 75;
	s->opts.keepcnt = 9;
	s->opts.ttl = 64;
	s->opts.lowat = 1;
	s->opts.syncnt = 6;
	waitq_init(&s->waitq);
}

struct file *socket_file(struct socket *s, uint32_t flags)
{
	struct file *f =
		file_new(&socket_file_ops, s, O_RDWR | (flags & SOCK_NONBLOCK));

	if (!f) {
		s->ops->release(s);
		return NULL;
	}
	f->waitq = &s->waitq;
	f->pos = -1;
	s->file = f;
	return f;
}

struct socket *file_socket(struct file *f)
{
	return f->ops == &socket_file_ops ? f->priv : NULL;
}

static int socket_new_inet(uint16_t family, uint16_t type, uint16_t protocol,
			   struct socket **ret)
{
	if (type == SOCK_STREAM) {
		if (protocol && protocol != IPPROTO_TCP)
			return -EPROTONOSUPPORT;
		return tcp_new(family, ret);
	}
	if (type == SOCK_DGRAM) {
		if (protocol && protocol != IPPROTO_UDP)
			return -EPROTONOSUPPORT;
		return udp_new(family, ret);
	}
	return -ESOCKTNOSUPPORT;
}

int socket_new(uint16_t family, uint16_t type, uint16_t protocol,
	       struct socket **ret)
{
	switch (family) {
	case AF_INET:
	case AF_INET6:
		return socket_new_inet(family, type, protocol, ret);
	case AF_UNIX:
		if (protocol && protocol != AF_UNIX)
			return -EPROTONOSUPPORT;
		return unix_new(type, ret);
	case AF_NETLINK:
		return netlink_new(type, protocol, ret);
	default:
		return -EAFNOSUPPORT;
	}
}

int socket_pair_new(uint16_t family, uint16_t type, uint16_t protocol,
		    struct socket *ret[2])
{
	if (family == AF_INET || family == AF_INET6)
		return -EOPNOTSUPP;
	if (family != AF_UNIX)
		return -EAFNOSUPPORT;
	if (protocol && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	return unix_pair_new(type, ret);
}

void net_init(void)
{
	port_init();
}

uint64_t socket_deadline(uint64_t timeout_ns)
{
	return timeout_ns ? time_deadline(timeout_ns) : DEADLINE_NEVER;
}

int socket_wait_on(struct waitq *q, uint32_t flags, uint64_t deadline_ns)
{
	int err;

	if (flags & MSG_DONTWAIT)
		return ring_spin() ? 0 : -EAGAIN;
	err = waitq_sleep(q, deadline_ns);
	if (err == -ETIMEDOUT)
		return -EAGAIN;
	if (err == -EINTR)
		return deadline_ns == DEADLINE_NEVER ? -ERESTARTSYS : -EINTR;
	return 0;
}

int socket_wait(struct socket *s, uint32_t flags, uint64_t deadline_ns)
{
	return socket_wait_on(&s->waitq, flags, deadline_ns);
}

int socket_take_error(struct socket *s)
{
	int err = s->error;

	s->error = 0;
	return -err;
}

long socket_broken_pipe(uint32_t flags)
{
	struct ksiginfo info = { .signo = SIGPIPE };

	if (!(flags & MSG_NOSIGNAL))
		signal_send_thread(current, &info);
	return -EPIPE;
}

void scm_free(struct scm_files *scm)
{
	if (!scm)
		return;
	for (uint32_t i = 0; i < scm->count; i++)
		file_unref(scm->files[i]);
	kfree(scm);
}
