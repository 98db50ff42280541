/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unix sockets. A path names a socket through the file it makes in the tree,
 * as everywhere; abstract names are compared. SEQPACKET exists as pairs only.
 */
#include <linux/eventpoll.h>
#include <linux/fcntl.h>

#include "core/alloc.h"
#include "fs/path.h"
#include "fs/vfs.h"
#include "net/dgram.h"
#include "net/stream.h"

#define UNIX_PATH_OFF 2u
#define UNIX_PATH_MAX 108u
#define BACKLOG_MAX   4096u

struct unix_socket {
	struct socket s;
	struct list node; /* in `bound` */
	struct sock_name name; /* len 2: none */
	struct vnode *vn; /* what a path made; a reference */
	struct sock_name peer_name;
	struct stream st; /* SOCK_STREAM */

	/* the other types */
	struct dgram_queue rx;
	struct unix_socket *peer; /* where connected sends go */
	struct list senders; /* struct unix_socket.peer_node: peer is us */
	struct list peer_node;
	bool tx_shut;
	bool peer_died; /* the next send says so */

	/* a listener */
	struct list accepted; /* struct unix_socket.accept_node */
	unsigned accepted_count, backlog;
	struct list accept_node;
};

static struct list bound = LIST_INIT(bound);
/* Who waits for room in a queue; its owner may vanish meanwhile. */
static struct waitq room = { LIST_INIT(room.waiters) };
static unsigned autobind_next;

static struct unix_socket *to_unix(struct socket *s)
{
	return container_of(s, struct unix_socket, s);
}

static const struct socket_ops unix_ops;

static void set_unnamed(struct sock_name *n)
{
	*n = (struct sock_name){ .len = UNIX_PATH_OFF, .bytes = { AF_UNIX } };
}

static struct unix_socket *unix_alloc(uint16_t type)
{
	struct unix_socket *u = kzalloc(sizeof(*u));

	if (!u)
		return NULL;
	socket_init(&u->s, &unix_ops, AF_UNIX, type, 0);
	stream_init(&u->st, &u->s);
	dgram_queue_init(&u->rx);
	list_init(&u->node);
	list_init(&u->senders);
	list_init(&u->peer_node);
	list_init(&u->accepted);
	list_init(&u->accept_node);
	set_unnamed(&u->name);
	set_unnamed(&u->peer_name);
	return u;
}

int unix_new(uint16_t type, struct socket **ret)
{
	struct unix_socket *u;

	if (type != SOCK_STREAM && type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	u = unix_alloc(type);
	if (!u)
		return -ENOMEM;
	*ret = &u->s;
	return 0;
}

/* Sends of u go to `to` from now on; NULL: nowhere. */
static void set_peer(struct unix_socket *u, struct unix_socket *to)
{
	list_del(&u->peer_node);
	u->peer = to;
	if (to)
		list_add_tail(&to->senders, &u->peer_node);
}

int unix_pair_new(uint16_t type, struct socket *ret[2])
{
	struct unix_socket *a, *b;

	if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	a = unix_alloc(type);
	b = unix_alloc(type);
	if (!a || !b) {
		kfree(a);
		kfree(b);
		return -ENOMEM;
	}
	if (type == SOCK_STREAM) {
		stream_pair(&a->st, &b->st);
	} else {
		set_peer(a, b);
		set_peer(b, a);
	}
	ret[0] = &a->s;
	ret[1] = &b->s;
	return 0;
}

/* ---- names -------------------------------------------------------------- */

/* Brings a path to one form: terminated by the length, not by a NUL. */
static int normalize(const struct sock_name *n, struct sock_name *ret)
{
	*ret = *n;
	if (n->len < UNIX_PATH_OFF || n->len > UNIX_PATH_OFF + UNIX_PATH_MAX ||
	    sock_name_family(n) != AF_UNIX)
		return -EINVAL;
	if (n->len > UNIX_PATH_OFF && n->bytes[UNIX_PATH_OFF])
		ret->len = UNIX_PATH_OFF +
			   (uint32_t)strnlen((const char *)n->bytes +
						     UNIX_PATH_OFF,
					     n->len - UNIX_PATH_OFF);
	return 0;
}

static bool is_abstract(const struct sock_name *n)
{
	return !n->bytes[UNIX_PATH_OFF];
}

/* The socket of an abstract name, or that made a file. */
static struct unix_socket *find_bound(const struct sock_name *n,
				      const struct vnode *vn)
{
	struct list *pos;

	list_for_each(pos, &bound) {
		struct unix_socket *u =
			container_of(pos, struct unix_socket, node);

		if (vn ? u->vn == vn :
			 !u->vn && u->name.len == n->len &&
				    !memcmp(u->name.bytes, n->bytes, n->len))
			return u;
	}
	return NULL;
}

static const char *path_of(const struct sock_name *n,
			   char buf[UNIX_PATH_MAX + 1])
{
	uint32_t len = n->len - UNIX_PATH_OFF;

	memcpy(buf, n->bytes + UNIX_PATH_OFF, len);
	buf[len] = 0;
	return buf;
}

/* Makes the file of a path: 0, -EADDRINUSE, -ENOENT, ... */
static int make_file(struct unix_socket *u, const struct sock_name *n)
{
	char path[UNIX_PATH_MAX + 1];
	struct path_result p;
	int err = path_lookup(AT_FDCWD, path_of(n, path),
			      PATH_MISSING | PATH_PARENT, &p);

	if (err)
		return err;
	if (p.last != PATH_NORM || p.e.vn)
		err = -EADDRINUSE;
	else if (p.slash)
		err = -ENOENT;
	else
		err = tree_create(&p.e, S_IFSOCK | (0777 & ~vfs_umask), 0,
				  &u->vn);
	path_release(&p);
	return err;
}

static void choose_name(struct sock_name *n)
{
	char text[8];

	do {
		fmt_snprintf(text, sizeof(text), "%05x",
			     autobind_next++ & 0xfffff);
		memcpy(n->bytes + UNIX_PATH_OFF + 1, text, 5);
		n->len = UNIX_PATH_OFF + 6;
	} while (find_bound(n, NULL));
}

static int unix_bind(struct socket *s, const struct sock_name *n)
{
	struct unix_socket *u = to_unix(s);
	struct sock_name name;
	int err = normalize(n, &name);

	if (err)
		return err;
	if (u->name.len > UNIX_PATH_OFF)
		return -EINVAL;
	if (name.len == UNIX_PATH_OFF)
		choose_name(&name);
	else if (!is_abstract(&name))
		err = make_file(u, &name);
	else if (find_bound(&name, NULL))
		err = -EADDRINUSE;
	if (err)
		return err;
	u->name = name;
	list_add_tail(&bound, &u->node);
	return 0;
}

/* The socket of that name and our type; 0 or -errno. */
static int lookup(const struct unix_socket *u, const struct sock_name *n,
		  struct unix_socket **ret)
{
	char path[UNIX_PATH_MAX + 1];
	struct vnode *vn = NULL;
	struct sock_name name;
	int err = normalize(n, &name);

	if (err)
		return err;
	if (name.len == UNIX_PATH_OFF)
		return -EINVAL;
	if (!is_abstract(&name)) {
		err = path_vnode(AT_FDCWD, path_of(&name, path), PATH_FOLLOW,
				 &vn);
		if (!err)
			err = vnode_access(vn, ACCESS_W);
	}
	*ret = err ? NULL : find_bound(&name, vn);
	vnode_unref(vn);
	if (!*ret)
		return err ? err : -ECONNREFUSED;
	return (*ret)->s.type == u->s.type ? 0 : -EPROTOTYPE;
}

static int unix_name(struct socket *s, bool peer, struct sock_name *ret)
{
	struct unix_socket *u = to_unix(s);
	bool path;

	if (peer && !u->st.connected && !u->peer)
		return -ENOTCONN;
	*ret = peer ? (u->peer ? u->peer->name : u->peer_name) : u->name;
	/* Paths are shown with the NUL that ends them. */
	path = ret->len > UNIX_PATH_OFF && !is_abstract(ret);
	if (path && ret->len < UNIX_PATH_OFF + UNIX_PATH_MAX)
		ret->bytes[ret->len++] = 0;
	return 0;
}

/* ---- connections -------------------------------------------------------- */

static int unix_listen(struct socket *s, int backlog)
{
	struct unix_socket *u = to_unix(s);

	if (s->type == SOCK_DGRAM)
		return -EOPNOTSUPP;
	if (u->name.len == UNIX_PATH_OFF || u->st.connected)
		return -EINVAL;
	u->backlog = (uint32_t)backlog > BACKLOG_MAX ? BACKLOG_MAX :
						       (uint32_t)backlog;
	s->listening = true;
	return 0;
}

static int connect_stream(struct unix_socket *u, struct unix_socket *l,
			  bool nonblock)
{
	struct unix_socket *other;
	int err;

	if (u->st.connected)
		return -EISCONN;
	if (!l->s.listening)
		return -ECONNREFUSED;
	if (l->accepted_count > l->backlog) {
		err = socket_wait_on(&room, nonblock ? MSG_DONTWAIT : 0,
				     DEADLINE_NEVER);
		return err ? err : -EALREADY;
	}
	other = unix_alloc(SOCK_STREAM);
	if (!other)
		return -ENOMEM;
	other->name = l->name;
	other->peer_name = u->name;
	u->peer_name = l->name;
	stream_pair(&u->st, &other->st);
	list_add_tail(&l->accepted, &other->accept_node);
	l->accepted_count++;
	waitq_wake_one(&l->s.waitq);
	return 0;
}

static int unix_connect(struct socket *s, const struct sock_name *n,
			bool nonblock)
{
	struct unix_socket *u = to_unix(s), *to;
	int err;

	if (s->type == SOCK_DGRAM && n->len >= 2 &&
	    sock_name_family(n) == AF_UNSPEC) {
		set_peer(u, NULL);
		return 0;
	}
	/* After waiting for room the name may mean something else. */
	do {
		err = lookup(u, n, &to);
		if (!err && s->type == SOCK_STREAM)
			err = connect_stream(u, to, nonblock);
		else if (!err)
			set_peer(u, to);
	} while (err == -EALREADY);
	return err;
}

static int unix_accept(struct socket *s, struct socket **ret)
{
	struct unix_socket *l = to_unix(s);
	struct list *n;

	if (!s->listening)
		return s->type == SOCK_STREAM ? -EINVAL : -EOPNOTSUPP;
	n = list_pop_head(&l->accepted);
	if (!n)
		return -EAGAIN;
	l->accepted_count--;
	waitq_wake_all(&room);
	*ret = &container_of(n, struct unix_socket, accept_node)->s;
	return 0;
}

/* ---- data --------------------------------------------------------------- */

static int find_target(struct unix_socket *u, const struct sock_msg *m,
		       struct unix_socket **ret)
{
	if (m->name && m->name->len) {
		if (u->s.type == SOCK_SEQPACKET)
			return u->peer ? -EISCONN : -EOPNOTSUPP;
		return lookup(u, m->name, ret);
	}
	*ret = u->peer;
	if (u->peer)
		return 0;
	if (u->peer_died) {
		u->peer_died = u->s.type == SOCK_SEQPACKET;
		/* As Linux: what the dead one sent goes with it. */
		if (!u->peer_died)
			dgram_queue_clear(&u->rx);
		return -ECONNREFUSED;
	}
	return -ENOTCONN;
}

static long send_dgram(struct unix_socket *u, struct sock_msg *m)
{
	uint64_t deadline = socket_deadline(u->s.opts.snd_timeout_ns);
	uint32_t len = (uint32_t)m->iter->left;
	struct unix_socket *to = NULL;
	struct dgram *d;
	int err;

	if (m->iter->left > (uint64_t)u->s.opts.sndbuf)
		return -EMSGSIZE;
	for (;;) {
		err = socket_take_error(&u->s);
		if (!err)
			err = find_target(u, m, &to);
		if (err == -ECONNREFUSED && u->s.type == SOCK_SEQPACKET)
			return socket_broken_pipe(m->flags);
		if (err)
			return err;
		if (u->tx_shut || to->rx.eof)
			return socket_broken_pipe(m->flags);
		if (dgram_has_room(&to->rx, (uint32_t)to->s.opts.rcvbuf))
			break;
		err = socket_wait_on(&room, m->flags, deadline);
		if (err)
			return err;
	}
	d = dgram_new(len);
	if (!d)
		return -ENOBUFS;
	iov_copy_in(m->iter, d->data, len);
	d->from = u->name;
	d->files = m->files;
	m->files = NULL;
	dgram_put(&to->rx, d);
	socket_wake(&to->s);
	return len;
}

static long unix_send(struct socket *s, struct sock_msg *m)
{
	struct unix_socket *u = to_unix(s);

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (s->type != SOCK_STREAM)
		return send_dgram(u, m);
	if (m->name && m->name->len)
		return u->st.connected ? -EISCONN : -EOPNOTSUPP;
	if (!u->st.connected)
		return -ENOTCONN;
	return stream_send(&u->st, m);
}

static void made_room(struct unix_socket *u)
{
	struct list *pos;

	waitq_wake_all(&room);
	list_for_each(pos, &u->senders)
		socket_wake(
			&container_of(pos, struct unix_socket, peer_node)->s);
}

static long unix_recv(struct socket *s, struct sock_msg *m)
{
	struct unix_socket *u = to_unix(s);
	long n;

	if (s->type == SOCK_STREAM) {
		if (m->name)
			m->name->len = 0;
		return u->st.connected ? stream_recv(&u->st, m) : -EINVAL;
	}
	n = dgram_recv(s, &u->rx, m);
	if (n >= 0)
		made_room(u);
	if (n >= 0 && m->name && m->name->len == UNIX_PATH_OFF)
		m->name->len = 0;
	return n;
}

/* ---- the rest ----------------------------------------------------------- */

static int unix_shutdown(struct socket *s, int how)
{
	struct unix_socket *u = to_unix(s);

	if (s->type == SOCK_STREAM) {
		if (!u->st.connected)
			return -ENOTCONN;
		stream_shutdown(&u->st, how);
		return 0;
	}
	if (!u->peer)
		return -ENOTCONN;
	if (how != SHUT_WR)
		u->rx.eof = true;
	if (how != SHUT_RD) {
		u->tx_shut = true;
		if (s->type == SOCK_SEQPACKET) {
			u->peer->rx.eof = true;
			socket_wake(&u->peer->s);
		}
	}
	socket_wake(s);
	return 0;
}

static uint32_t unix_poll(struct socket *s)
{
	struct unix_socket *u = to_unix(s);
	uint32_t ev = 0;

	if (s->listening)
		return list_empty(&u->accepted) ? 0 : EPOLLIN | EPOLLRDNORM;
	if (s->type == SOCK_STREAM)
		return stream_poll(&u->st);
	if (!list_empty(&u->rx.list) || u->rx.eof)
		ev |= EPOLLIN | EPOLLRDNORM;
	if (u->rx.eof)
		ev |= EPOLLRDHUP | (u->tx_shut || !u->peer ? EPOLLHUP : 0);
	if (!u->peer ||
	    dgram_has_room(&u->peer->rx, (uint32_t)u->peer->s.opts.rcvbuf))
		ev |= EPOLLOUT | EPOLLWRNORM;
	return ev;
}

static uint32_t unix_readable(struct socket *s)
{
	struct unix_socket *u = to_unix(s);

	return s->type == SOCK_STREAM ? stream_readable(&u->st) :
					dgram_readable(&u->rx);
}

/* Those who send to u are told that it is gone. */
static void drop_senders(struct unix_socket *u)
{
	struct list *pos, *tmp;

	list_for_each_safe(pos, tmp, &u->senders) {
		struct unix_socket *v =
			container_of(pos, struct unix_socket, peer_node);

		set_peer(v, NULL);
		v->peer_died = true;
		if (u->s.type == SOCK_SEQPACKET)
			v->rx.eof = true;
		socket_wake(&v->s);
	}
}

static void unix_release(struct socket *s)
{
	struct unix_socket *u = to_unix(s);
	struct list *n;

	while ((n = list_pop_head(&u->accepted)))
		unix_release(
			&container_of(n, struct unix_socket, accept_node)->s);
	list_del(&u->node);
	drop_senders(u);
	set_peer(u, NULL);
	stream_close(&u->st);
	dgram_queue_clear(&u->rx);
	vnode_unref(u->vn);
	waitq_wake_all(&room);
	kfree(u);
}

static const struct socket_ops unix_ops = {
	.bind = unix_bind,
	.listen = unix_listen,
	.connect = unix_connect,
	.accept = unix_accept,
	.send = unix_send,
	.recv = unix_recv,
	.shutdown = unix_shutdown,
	.name = unix_name,
	.poll = unix_poll,
	.readable = unix_readable,
	.release = unix_release,
};
