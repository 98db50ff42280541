/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending and receiving: sendto, sendmsg and their kin. Of the control
 * messages SCM_RIGHTS is carried out; credentials are those of the one
 * process there is.
 */
#include <linux/fcntl.h>
#include <linux/time_types.h>

#include "core/alloc.h"
#include "core/thread.h"
#include "core/time.h"
#include "sys/clock.h"
#include "sys/net_args.h"
#include "sys/syscall.h"
#include <asm-generic/socket.h>

#define SCM_RIGHTS	1
#define SCM_CREDENTIALS 2
#define IOV_FAST	8
#define MMSG_MAX	1024u

struct umsghdr {
	uint64_t name;
	uint32_t name_len, pad1;
	uint64_t iov, iov_count;
	uint64_t control, control_len;
	uint32_t flags, pad2;
};

struct ummsghdr {
	struct umsghdr hdr;
	uint32_t len, pad;
};

struct cmsg {
	uint64_t len; /* with this header */
	int32_t level, type;
};

/* An iovec array of the program, on the stack if it is short. */
struct msg_iov {
	struct kiovec fast[IOV_FAST];
	struct kiovec *store;
	struct iov_iter iter;
};

static int msg_iov_init(struct msg_iov *v, const struct umsghdr *h, bool write)
{
	int err;

	v->store = v->fast;
	if (h->iov_count > IOV_COUNT_MAX)
		return -EMSGSIZE;
	if (h->iov_count > IOV_FAST)
		v->store = kzalloc(h->iov_count * sizeof(struct kiovec));
	if (!v->store)
		return -ENOMEM;
	err = iov_iter_init_user(&v->iter, h->iov, (uint32_t)h->iov_count,
				 v->store, write);
	if (err && v->store != v->fast)
		kfree(v->store);
	return err;
}

static void msg_iov_fini(struct msg_iov *v)
{
	if (v->store != v->fast)
		kfree(v->store);
}

static uint32_t with_file_flags(const struct file *f, uint32_t flags)
{
	return f->flags & O_NONBLOCK ? flags | MSG_DONTWAIT : flags;
}

/* ---- control messages --------------------------------------------------- */

static int take_rights(const struct cmsg *c, uint64_t ufds,
		       struct scm_files **ret)
{
	uint32_t count = (uint32_t)((c->len - sizeof(*c)) / sizeof(int));
	struct scm_files *scm;
	int fd;

	if (*ret || count > SCM_FILES_MAX)
		return -EINVAL;
	scm = kzalloc(sizeof(*scm) + count * sizeof(scm->files[0]));
	if (!scm)
		return -ENOMEM;
	*ret = scm;
	for (uint32_t i = 0; i < count; i++) {
		struct file *f;

		if (copy_from_user(&fd, ufds + i * sizeof(fd), sizeof(fd)) < 0)
			return -EFAULT;
		f = fd_get(fd);
		if (!f)
			return -EBADF;
		scm->files[scm->count++] = file_ref(f);
	}
	return 0;
}

/* Reads the control messages of a send; *ret is the caller's also on error. */
static int take_control(const struct socket *s, const struct umsghdr *h,
			struct scm_files **ret)
{
	uint64_t at = 0;
	struct cmsg c;
	int err;

	if (!h->control)
		return 0;
	while (h->control_len - at >= sizeof(c)) {
		if (copy_from_user(&c, h->control + at, sizeof(c)) < 0)
			return -EFAULT;
		if (c.len < sizeof(c) || c.len > h->control_len - at)
			return -EINVAL;
		if (c.level == SOL_SOCKET && c.type == SCM_RIGHTS &&
		    s->family == AF_UNIX) {
			err = take_rights(&c, h->control + at + sizeof(c), ret);
			if (err)
				return err;
		} else if (c.level == SOL_SOCKET && c.type != SCM_CREDENTIALS &&
			   c.type != SCM_RIGHTS) {
			return -EINVAL;
		}
		at += min_u64(ALIGN_UP(c.len, 8), h->control_len - at);
	}
	return 0;
}

/* Gives files to the program as far as its buffer has room. */
static uint64_t put_rights(const struct umsghdr *h, struct sock_msg *m)
{
	struct cmsg c = { .level = SOL_SOCKET, .type = SCM_RIGHTS };
	uint32_t room = 0, n = 0;
	int fd;

	if (h->control_len >= sizeof(c))
		room = (uint32_t)min_u64((h->control_len - sizeof(c)) /
						 sizeof(fd),
					 SCM_FILES_MAX);
	while (n < room && n < m->files->count) {
		uint64_t at = h->control + sizeof(c) + n * sizeof(fd);

		if (!user_can_write(at, sizeof(fd)))
			break;
		fd = fd_install(file_ref(m->files->files[n]), 0,
				m->flags & MSG_CMSG_CLOEXEC);
		if (fd < 0)
			break;
		copy_to_user(at, &fd, sizeof(fd));
		n++;
	}
	if (n < m->files->count)
		m->ret_flags |= MSG_CTRUNC;
	c.len = sizeof(c) + n * sizeof(fd);
	if (!n || copy_to_user(h->control, &c, sizeof(c)) < 0)
		return 0;
	return min_u64(ALIGN_UP(c.len, 8), h->control_len);
}

/* The credentials of the sender: there is one process. */
static uint64_t put_credentials(struct umsghdr *h, struct sock_msg *m)
{
	struct {
		struct cmsg c;
		uint32_t pid, uid, gid, pad;
	} msg = { .c = { .len = sizeof(struct cmsg) + 12,
			 .level = SOL_SOCKET,
			 .type = SCM_CREDENTIALS },
		  .pid = (uint32_t)process_pid,
		  .uid = kernel_boot->uid,
		  .gid = kernel_boot->gid };

	if (h->control_len < sizeof(msg)) {
		m->ret_flags |= MSG_CTRUNC;
		return 0;
	}
	if (copy_to_user(h->control, &msg, sizeof(msg)) < 0)
		return 0;
	h->control += sizeof(msg);
	h->control_len -= sizeof(msg);
	return sizeof(msg);
}

static uint64_t put_control(const struct socket *s, struct umsghdr *h,
			    struct sock_msg *m)
{
	uint64_t len = 0;

	if (!h->control)
		h->control_len = 0;
	if (s->family == AF_UNIX && s->opts.passcred)
		len += put_credentials(h, m);
	if (m->files)
		len += put_rights(h, m);
	return len;
}

/* ---- one message -------------------------------------------------------- */

static long send_msg(struct file *f, struct socket *s, const struct umsghdr *h,
		     uint32_t flags)
{
	struct sock_msg m = { .flags = with_file_flags(f, flags) };
	struct sock_name name;
	struct msg_iov v;
	long n;
	int err;

	if (h->name && h->name_len) {
		err = net_get_name(h->name, h->name_len, &name);
		if (err)
			return err;
		m.name = &name;
	}
	err = msg_iov_init(&v, h, false);
	if (err)
		return err;
	m.iter = &v.iter;
	n = take_control(s, h, &m.files);
	if (!n)
		n = iov_result(&v.iter, s->ops->send(s, &m));
	scm_free(m.files);
	msg_iov_fini(&v);
	return n;
}

/* Updates *h as the program will see it. */
static long recv_msg(struct file *f, struct socket *s, struct umsghdr *h,
		     uint32_t flags)
{
	struct sock_name name = { 0 };
	struct sock_msg m = { .flags = with_file_flags(f, flags),
			      .name = h->name ? &name : NULL };
	struct msg_iov v;
	int err = msg_iov_init(&v, h, true);
	long n;

	if (err)
		return err;
	m.iter = &v.iter;
	n = iov_result(&v.iter, s->ops->recv(s, &m));
	msg_iov_fini(&v);
	if (n >= 0) {
		h->control_len = put_control(s, h, &m);
		h->flags = m.ret_flags;
		if (h->name && copy_to_user(h->name, name.bytes,
					    min_u64(h->name_len, name.len)) < 0)
			n = -EFAULT;
		h->name_len = name.len;
	}
	scm_free(m.files);
	return n;
}

long sys_sendto(struct mf_regs *r)
{
	struct sock_msg m = { 0 };
	struct sock_name name;
	struct iov_iter it;
	struct socket *s;
	struct file *f;
	long n = net_get_socket((int)r->rdi, &f, &s);

	if (n)
		return n;
	m.flags = with_file_flags(f, (uint32_t)r->r10);
	m.iter = &it;
	if (s->msg_max && r->rdx > s->msg_max)
		n = -EMSGSIZE;
	else
		n = iov_iter_init_single(&it, r->rsi, r->rdx, false);
	if (!n && r->r8) {
		n = net_get_name(r->r8, r->r9, &name);
		m.name = &name;
	}
	if (!n)
		n = iov_result(&it, s->ops->send(s, &m));
	file_unref(f);
	return n;
}

/*
 * The buffer of a receive is bad. Linux finds that out when it copies, so an
 * error or the end of the stream comes first, and waiting too.
 */
static long recv_nowhere(struct socket *s, struct sock_msg *m)
{
	struct sock_msg peek = *m;
	struct iov_iter it;
	char byte;
	long n;

	iov_iter_init_kernel(&it, &byte, 1);
	peek.iter = &it;
	peek.flags |= MSG_PEEK;
	n = s->ops->recv(s, &peek);
	peek.iter = m->iter;
	*m = peek;
	return n > 0 ? -EFAULT : n;
}

long sys_recvfrom(struct mf_regs *r)
{
	struct sock_name name = { 0 };
	struct sock_msg m = { .name = r->r8 ? &name : NULL };
	struct iov_iter it;
	struct socket *s;
	struct file *f;
	long n = net_get_socket((int)r->rdi, &f, &s);
	int err;

	if (n)
		return n;
	m.flags = with_file_flags(f, (uint32_t)r->r10);
	m.iter = &it;
	n = iov_iter_init_single(&it, r->rsi, r->rdx, true);
	n = n ? recv_nowhere(s, &m) : iov_result(&it, s->ops->recv(s, &m));
	if (n >= 0 && r->r8) {
		err = net_put_name(r->r8, r->r9, &name);
		n = err ? err : n;
	}
	scm_free(m.files);
	file_unref(f);
	return n;
}

long sys_sendmsg(struct mf_regs *r)
{
	struct umsghdr h;
	struct socket *s;
	struct file *f;
	long n = net_get_socket((int)r->rdi, &f, &s);

	if (n)
		return n;
	n = copy_from_user(&h, r->rsi, sizeof(h));
	if (!n)
		n = send_msg(f, s, &h, (uint32_t)r->rdx);
	file_unref(f);
	return n;
}

long sys_recvmsg(struct mf_regs *r)
{
	struct umsghdr h;
	struct socket *s;
	struct file *f;
	long n = net_get_socket((int)r->rdi, &f, &s);

	if (n)
		return n;
	n = copy_from_user(&h, r->rsi, sizeof(h));
	if (!n)
		n = recv_msg(f, s, &h, (uint32_t)r->rdx);
	if (n >= 0 && copy_to_user(r->rsi, &h, sizeof(h)) < 0)
		n = -EFAULT;
	file_unref(f);
	return n;
}

/* ---- many messages ------------------------------------------------------ */

long sys_sendmmsg(struct mf_regs *r)
{
	uint32_t count = (uint32_t)min_u64((uint32_t)r->rdx, MMSG_MAX);
	struct ummsghdr mm;
	struct socket *s;
	struct file *f;
	uint32_t done;
	long n = net_get_socket((int)r->rdi, &f, &s);

	if (n)
		return n;
	for (done = 0; done < count; done++) {
		uint64_t at = r->rsi + done * sizeof(mm);

		n = copy_from_user(&mm, at, sizeof(mm));
		if (!n)
			n = send_msg(f, s, &mm.hdr, (uint32_t)r->r10);
		if (n < 0)
			break;
		mm.len = (uint32_t)n;
		n = copy_to_user(at, &mm, sizeof(mm));
		if (n < 0)
			break;
	}
	file_unref(f);
	return done ? (long)done : n;
}

static int mmsg_deadline(uint64_t uts, uint64_t *ret)
{
	struct __kernel_timespec ts;

	*ret = DEADLINE_NEVER;
	if (!uts)
		return 0;
	if (copy_from_user(&ts, uts, sizeof(ts)) < 0)
		return -EFAULT;
	if (!clock_timespec_ok(&ts))
		return -EINVAL;
	*ret = time_deadline(clock_ns(&ts));
	return 0;
}

long sys_recvmmsg(struct mf_regs *r)
{
	uint32_t count = (uint32_t)min_u64((uint32_t)r->rdx, MMSG_MAX);
	uint32_t flags = (uint32_t)r->r10, done = 0;
	struct socket *s = NULL;
	struct file *f = NULL;
	struct ummsghdr mm;
	uint64_t deadline;
	long n = mmsg_deadline(r->r8, &deadline);

	if (!n)
		n = net_get_socket((int)r->rdi, &f, &s);
	if (n)
		return n;
	while (done < count) {
		uint64_t at = r->rsi + done * sizeof(mm);

		n = copy_from_user(&mm, at, sizeof(mm));
		if (!n)
			n = recv_msg(f, s, &mm.hdr, flags & ~MSG_WAITFORONE);
		if (n < 0)
			break;
		mm.len = (uint32_t)n;
		n = copy_to_user(at, &mm, sizeof(mm));
		if (n < 0)
			break;
		done++;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (time_mono_ns() >= deadline)
			break;
	}
	file_unref(f);
	return done ? (long)done : n;
}
