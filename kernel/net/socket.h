/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets: what all kinds share, and the ops each kind (tcp.c, udp.c, unix.c)
 * fills in. A kind embeds struct socket as its first member. Members of the
 * ops that are NULL answer -EOPNOTSUPP.
 *
 * Callers of the ops hold a reference to the socket's file.
 */
#ifndef KERNEL_NET_SOCKET_H
#define KERNEL_NET_SOCKET_H

#include "fs/file.h"
#include "net/addr.h"

enum sock_type {
	SOCK_STREAM = 1,
	SOCK_DGRAM = 2,
	SOCK_RAW = 3,
	SOCK_SEQPACKET = 5,
};

#define SOCK_TYPE_MASK 0xfu
#define SOCK_CLOEXEC   02000000u
#define SOCK_NONBLOCK  04000u

#define MSG_OOB		 0x1u
#define MSG_PEEK	 0x2u
#define MSG_CTRUNC	 0x8u
#define MSG_TRUNC	 0x20u
#define MSG_DONTWAIT	 0x40u
#define MSG_EOR		 0x80u
#define MSG_WAITALL	 0x100u
#define MSG_ERRQUEUE	 0x2000u
#define MSG_NOSIGNAL	 0x4000u
#define MSG_WAITFORONE	 0x10000u
#define MSG_CMSG_CLOEXEC 0x40000000u

#define SHUT_RD	  0
#define SHUT_WR	  1
#define SHUT_RDWR 2

#define SCM_FILES_MAX 253

/* Open files that travel with bytes of a unix socket; owns references. */
struct scm_files {
	uint32_t count;
	struct file *files[];
};

struct sock_msg {
	struct iov_iter *iter;
	uint32_t flags; /* MSG_*; DONTWAIT is set for O_NONBLOCK too */
	struct sock_name *name; /* send: where to; recv: filled; or NULL */
	/* send: taken if the call succeeds; recv: given, or NULL */
	struct scm_files *files;
	uint32_t ret_flags; /* recv: MSG_TRUNC ... */
};

struct socket;

struct socket_ops {
	int (*bind)(struct socket *s, const struct sock_name *n);
	int (*listen)(struct socket *s, int backlog);
	int (*connect)(struct socket *s, const struct sock_name *n,
		       bool nonblock);
	/* A connection without a file, or -EAGAIN. */
	int (*accept)(struct socket *s, struct socket **ret);
	long (*send)(struct socket *s, struct sock_msg *m);
	long (*recv)(struct socket *s, struct sock_msg *m);
	int (*shutdown)(struct socket *s, int how);
	/* 0, or -ENOTCONN for an absent peer. */
	int (*name)(struct socket *s, bool peer, struct sock_name *ret);
	uint32_t (*poll)(struct socket *s);
	uint32_t (*readable)(struct socket *s); /* FIONREAD */
	/* Told after an option it may have to act on has changed. */
	void (*opts_changed)(struct socket *s);
	void (*release)(struct socket *s); /* frees it */
};

/* Options as the program set them. */
struct sock_opts {
	bool reuseaddr, reuseport, keepalive, broadcast, passcred;
	bool v6only, nodelay, cork, recverr, dontroute, oobinline;
	bool timestamp, pktinfo;
	bool linger_on;
	int linger_s;
	int sndbuf, rcvbuf; /* as getsockopt reports them */
	int keepidle, keepintvl, keepcnt;
	int user_timeout, defer_accept, maxseg, syncnt;
	int ttl, tos, priority, mark, lowat;
	uint64_t rcv_timeout_ns, snd_timeout_ns; /* 0: none */
};

struct socket {
	const struct socket_ops *ops;
	struct file *file; /* NULL: not accepted yet */
	uint16_t family, type, protocol;
	bool listening;
	uint32_t msg_max; /* bytes of a message; 0: no limit */
	int error; /* SO_ERROR: positive errno, or 0 */
	struct waitq waitq;
	struct sock_opts opts;
};

/* Fills in what is common. */
void socket_init(struct socket *s, const struct socket_ops *ops,
		 uint16_t family, uint16_t type, uint16_t protocol);
/* Gives s a file; takes s over, also on failure (NULL). */
struct file *socket_file(struct socket *s, uint32_t flags);
/* NULL if f is not a socket. */
struct socket *file_socket(struct file *f);

/* socket(2) and socketpair(2) without flags. 0 or -errno. */
int socket_new(uint16_t family, uint16_t type, uint16_t protocol,
	       struct socket **ret);
int socket_pair_new(uint16_t family, uint16_t type, uint16_t protocol,
		    struct socket *ret[2]);
int tcp_new(uint16_t family, struct socket **ret);
int udp_new(uint16_t family, struct socket **ret);
int unix_new(uint16_t type, struct socket **ret);
int netlink_new(uint16_t type, uint16_t protocol, struct socket **ret);
int unix_pair_new(uint16_t type, struct socket *ret[2]);

/* Once at boot. */
void net_init(void);
/*
 * At the very end: what programs have sent leaves the guest, as long as the
 * far ends go on taking it.
 */
void net_drain(void);

/*
 * Sleeps until the socket's state changes: 0; -EAGAIN if the call must not
 * wait or waited until deadline_ns; -ERESTARTSYS or -EINTR on a signal.
 */
int socket_wait(struct socket *s, uint32_t flags, uint64_t deadline_ns);
/* The same for a queue of its own. */
int socket_wait_on(struct waitq *q, uint32_t flags, uint64_t deadline_ns);
/* From SO_RCVTIMEO or SO_SNDTIMEO. */
uint64_t socket_deadline(uint64_t timeout_ns);
/* -errno of a pending error, which is then gone; or 0. */
int socket_take_error(struct socket *s);
/* -EPIPE, with SIGPIPE unless MSG_NOSIGNAL. */
long socket_broken_pipe(uint32_t flags);
static inline void socket_wake(struct socket *s)
{
	waitq_wake_all(&s->waitq);
}

/* getsockopt(2) and setsockopt(2). */
int sockopt_set(struct socket *s, int level, int name, uint64_t uval,
		uint32_t len);
int sockopt_get(struct socket *s, int level, int name, uint64_t uval,
		uint64_t ulen);
/* Interface requests (SIOCGIF*); -ENOTTY for others. */
long ifconf_ioctl(uint32_t cmd, uint64_t arg);

/* A reference more, the array, and all of its references. */
void scm_free(struct scm_files *scm);

#endif
