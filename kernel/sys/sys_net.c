/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls on sockets: making, naming, connecting, options. Those that
 * move messages are in sys_msg.c.
 */
#include <linux/fcntl.h>

#include "net/socket.h"
#include "sys/net_args.h"
#include "sys/syscall.h"

int net_get_socket(int fd, struct file **ret_file, struct socket **ret)
{
	struct file *f = fd_get(fd);

	if (!f)
		return -EBADF;
	*ret = file_socket(f);
	if (!*ret)
		return -ENOTSOCK;
	*ret_file = file_ref(f);
	return 0;
}

int net_get_name(uint64_t uaddr, uint64_t len, struct sock_name *ret)
{
	if ((int)len < 0 || len > SOCKADDR_MAX)
		return -EINVAL;
	ret->len = (uint32_t)len;
	return copy_from_user(ret->bytes, uaddr, len);
}

int net_put_name(uint64_t uaddr, uint64_t ulen, const struct sock_name *n)
{
	int len;

	if (!uaddr)
		return 0;
	if (copy_from_user(&len, ulen, sizeof(len)) < 0)
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	if (copy_to_user(uaddr, n->bytes, min_u64((uint32_t)len, n->len)) < 0)
		return -EFAULT;
	len = (int)n->len;
	return copy_to_user(ulen, &len, sizeof(len));
}

static int open_socket(struct socket *s, uint32_t flags)
{
	struct file *f = socket_file(s, flags);

	return f ? fd_install(f, 0, flags & SOCK_CLOEXEC) : -ENOMEM;
}

static int split_type(uint64_t arg, uint16_t *ret_type)
{
	if (arg & ~(uint64_t)(SOCK_TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	*ret_type = (uint16_t)(arg & SOCK_TYPE_MASK);
	return 0;
}

long sys_socket(struct mf_regs *r)
{
	struct socket *s = NULL;
	uint16_t type;
	int err = split_type(r->rsi, &type);

	if (!err && r->rdi > UINT16_MAX)
		err = -EAFNOSUPPORT;
	if (!err)
		err = socket_new((uint16_t)r->rdi, type, (uint16_t)r->rdx, &s);
	return err ? err : open_socket(s, (uint32_t)r->rsi);
}

long sys_socketpair(struct mf_regs *r)
{
	struct socket *s[2];
	uint16_t type;
	int fds[2], err = split_type(r->rsi, &type);

	if (!err && r->rdi > UINT16_MAX)
		err = -EAFNOSUPPORT;
	if (!err && !user_can_write(r->r10, sizeof(fds)))
		err = -EFAULT;
	if (!err)
		err = socket_pair_new((uint16_t)r->rdi, type, (uint16_t)r->rdx,
				      s);
	if (err)
		return err;
	fds[0] = open_socket(s[0], (uint32_t)r->rsi);
	if (fds[0] < 0) {
		s[1]->ops->release(s[1]);
		return fds[0];
	}
	fds[1] = open_socket(s[1], (uint32_t)r->rsi);
	if (fds[1] < 0) {
		fd_close(fds[0]);
		return fds[1];
	}
	return copy_to_user(r->r10, fds, sizeof(fds));
}

long sys_bind(struct mf_regs *r)
{
	struct sock_name n;
	struct socket *s;
	struct file *f;
	int err = net_get_socket((int)r->rdi, &f, &s);

	if (err)
		return err;
	err = net_get_name(r->rsi, r->rdx, &n);
	if (!err)
		err = s->ops->bind ? s->ops->bind(s, &n) : -EOPNOTSUPP;
	file_unref(f);
	return err;
}

long sys_connect(struct mf_regs *r)
{
	struct sock_name n;
	struct socket *s;
	struct file *f;
	int err = net_get_socket((int)r->rdi, &f, &s);

	if (err)
		return err;
	err = net_get_name(r->rsi, r->rdx, &n);
	if (!err)
		err = s->ops->connect(s, &n, f->flags & O_NONBLOCK);
	file_unref(f);
	return err;
}

long sys_listen(struct mf_regs *r)
{
	struct socket *s;
	struct file *f;
	int err = net_get_socket((int)r->rdi, &f, &s);

	if (err)
		return err;
	err = s->ops->listen ? s->ops->listen(s, (int)r->rsi) : -EOPNOTSUPP;
	file_unref(f);
	return err;
}

/* Waits for a connection. */
static int accept_one(struct socket *l, const struct file *f,
		      struct socket **ret)
{
	uint32_t flags = f->flags & O_NONBLOCK ? MSG_DONTWAIT : 0;
	uint64_t deadline = socket_deadline(l->opts.rcv_timeout_ns);
	int err;

	if (!l->ops->accept)
		return -EOPNOTSUPP;
	for (;;) {
		err = l->ops->accept(l, ret);
		if (err != -EAGAIN)
			return err;
		err = socket_wait(l, flags, deadline);
		if (err) {
			/* The wake we take along may be another's. */
			waitq_wake_one(&l->waitq);
			return err;
		}
	}
}

static long do_accept(const struct mf_regs *r, uint32_t flags)
{
	struct sock_name n = { 0 };
	struct socket *l, *s = NULL;
	struct file *f;
	int fd, err;

	if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	err = net_get_socket((int)r->rdi, &f, &l);
	if (err)
		return err;
	err = fd_may_install();
	if (!err)
		err = accept_one(l, f, &s);
	file_unref(f);
	if (err)
		return err;
	s->ops->name(s, true, &n);
	fd = open_socket(s, flags);
	if (fd < 0)
		return fd;
	err = net_put_name(r->rsi, r->rdx, &n);
	if (err) {
		fd_close(fd);
		return err;
	}
	return fd;
}

long sys_accept(struct mf_regs *r)
{
	return do_accept(r, 0);
}

long sys_accept4(struct mf_regs *r)
{
	return do_accept(r, (uint32_t)r->r10);
}

static long get_name(const struct mf_regs *r, bool peer)
{
	struct sock_name n = { 0 };
	struct socket *s;
	struct file *f;
	int err = net_get_socket((int)r->rdi, &f, &s);

	if (err)
		return err;
	err = s->ops->name(s, peer, &n);
	if (!err && !r->rsi)
		err = -EFAULT;
	if (!err)
		err = net_put_name(r->rsi, r->rdx, &n);
	file_unref(f);
	return err;
}

long sys_getsockname(struct mf_regs *r)
{
	return get_name(r, false);
}

long sys_getpeername(struct mf_regs *r)
{
	return get_name(r, true);
}

long sys_shutdown(struct mf_regs *r)
{
	struct socket *s;
	struct file *f;
	int err = net_get_socket((int)r->rdi, &f, &s);

	if (err)
		return err;
	if (r->rsi > SHUT_RDWR)
		err = -EINVAL;
	else
		err = s->ops->shutdown(s, (int)r->rsi);
	file_unref(f);
	return err;
}

long sys_setsockopt(struct mf_regs *r)
{
	struct socket *s;
	struct file *f;
	int err = net_get_socket((int)r->rdi, &f, &s);

	if (err)
		return err;
	if ((int)r->r8 < 0)
		err = -EINVAL;
	else
		err = sockopt_set(s, (int)r->rsi, (int)r->rdx, r->r10,
				  (uint32_t)r->r8);
	file_unref(f);
	return err;
}

long sys_getsockopt(struct mf_regs *r)
{
	struct socket *s;
	struct file *f;
	int err = net_get_socket((int)r->rdi, &f, &s);

	if (err)
		return err;
	err = sockopt_get(s, (int)r->rsi, (int)r->rdx, r->r10, r->r8);
	file_unref(f);
	return err;
}
