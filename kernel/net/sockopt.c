/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Socket options. Most are kept and reported only: what they steer on a real
 * network does not exist here, or belongs to the host. Those that are a plain
 * int or flag in struct sock_opts stand in tables.
 */
#include <asm-generic/socket.h>
#include <linux/eventpoll.h>
#include <linux/in.h>
#include <linux/tcp.h>

#include "core/thread.h"
#include "net/socket.h"
#include <asm-generic/socket.h>

#define SOL_IP		      0
#define SOL_TCP		      6
#define SOL_IPV6	      41
#define IPV6_UNICAST_HOPS_OPT 16
#define IPV6_V6ONLY_OPT	      26
#define IPV6_RECVERR_OPT      25
#define IPV6_RECVPKTINFO_OPT  49
#define IPV6_TCLASS_OPT	      67
#define BUF_MIN		      2304
#define BUF_MAX		      425984 /* twice net.core.wmem_max */
#define TCP_ESTABLISHED	      1
#define TCP_CLOSE	      7
#define TCP_LISTEN_STATE      10

enum opt_kind {
	OPT_FLAG, /* bool, any nonzero sets it */
	OPT_INT,
	OPT_NONE, /* accepted, kept nowhere, reads as 0 */
};

struct opt {
	int16_t level, name;
	uint8_t kind;
	uint16_t offset; /* into struct sock_opts */
};

#define FLAG(level, name, field)                                         \
	{                                                                \
		level, name, OPT_FLAG, offsetof(struct sock_opts, field) \
	}
#define INT(level, name, field)                                         \
	{                                                               \
		level, name, OPT_INT, offsetof(struct sock_opts, field) \
	}
#define NONE(level, name)                \
	{                                \
		level, name, OPT_NONE, 0 \
	}

static const struct opt opts[] = {
	FLAG(SOL_SOCKET, SO_REUSEADDR, reuseaddr),
	FLAG(SOL_SOCKET, SO_REUSEPORT, reuseport),
	FLAG(SOL_SOCKET, SO_KEEPALIVE, keepalive),
	FLAG(SOL_SOCKET, SO_BROADCAST, broadcast),
	FLAG(SOL_SOCKET, SO_DONTROUTE, dontroute),
	FLAG(SOL_SOCKET, SO_OOBINLINE, oobinline),
	FLAG(SOL_SOCKET, SO_PASSCRED, passcred),
	FLAG(SOL_SOCKET, SO_TIMESTAMP_OLD, timestamp),
	INT(SOL_SOCKET, SO_PRIORITY, priority),
	INT(SOL_SOCKET, SO_RCVLOWAT, lowat),
	NONE(SOL_SOCKET, SO_INCOMING_CPU),
	NONE(SOL_SOCKET, SO_BUSY_POLL),
	NONE(SOL_SOCKET, SO_ZEROCOPY),
	FLAG(SOL_TCP, TCP_NODELAY, nodelay),
	FLAG(SOL_TCP, TCP_CORK, cork),
	INT(SOL_TCP, TCP_KEEPIDLE, keepidle),
	INT(SOL_TCP, TCP_KEEPINTVL, keepintvl),
	INT(SOL_TCP, TCP_KEEPCNT, keepcnt),
	INT(SOL_TCP, TCP_USER_TIMEOUT, user_timeout),
	INT(SOL_TCP, TCP_DEFER_ACCEPT, defer_accept),
	INT(SOL_TCP, TCP_SYNCNT, syncnt),
	NONE(SOL_TCP, TCP_QUICKACK),
	NONE(SOL_TCP, TCP_LINGER2),
	NONE(SOL_TCP, TCP_FASTOPEN),
	NONE(SOL_TCP, TCP_NOTSENT_LOWAT),
	NONE(SOL_TCP, TCP_WINDOW_CLAMP),
	FLAG(SOL_IP, IP_RECVERR, recverr),
	FLAG(SOL_IP, IP_PKTINFO, pktinfo),
	INT(SOL_IP, IP_TTL, ttl),
	INT(SOL_IP, IP_TOS, tos),
	NONE(SOL_IP, IP_MTU_DISCOVER),
	NONE(SOL_IP, IP_FREEBIND),
	NONE(SOL_IP, IP_BIND_ADDRESS_NO_PORT),
	NONE(SOL_IP, IP_MULTICAST_TTL),
	NONE(SOL_IP, IP_MULTICAST_LOOP),
	FLAG(SOL_IPV6, IPV6_V6ONLY_OPT, v6only),
	FLAG(SOL_IPV6, IPV6_RECVERR_OPT, recverr),
	FLAG(SOL_IPV6, IPV6_RECVPKTINFO_OPT, pktinfo),
	INT(SOL_IPV6, IPV6_UNICAST_HOPS_OPT, ttl),
	INT(SOL_IPV6, IPV6_TCLASS_OPT, tos),
};

/* A level exists only for the sockets it is about. */
static bool has_level(const struct socket *s, int level)
{
	bool inet = s->family == AF_INET || s->family == AF_INET6;

	switch (level) {
	case SOL_SOCKET:
		return true;
	case SOL_TCP:
		return inet && s->type == SOCK_STREAM;
	case SOL_IP:
		return inet;
	case SOL_IPV6:
		return s->family == AF_INET6;
	default:
		return false;
	}
}

static const struct opt *find_opt(int level, int name)
{
	for (size_t i = 0; i < ARRAY_SIZE(opts); i++)
		if (opts[i].level == level && opts[i].name == name)
			return &opts[i];
	return NULL;
}

static int buffer_size(int wanted)
{
	if (wanted > BUF_MAX / 2)
		wanted = BUF_MAX / 2;
	return wanted * 2 < BUF_MIN ? BUF_MIN : wanted * 2;
}

static int set_timeout(uint64_t *ret_ns, uint64_t uval, uint32_t len)
{
	struct {
		int64_t sec, usec;
	} tv;

	if (len < sizeof(tv))
		return -EINVAL;
	if (copy_from_user(&tv, uval, sizeof(tv)) < 0)
		return -EFAULT;
	if (tv.usec < 0 || tv.usec >= 1000000)
		return -EDOM;
	if (tv.sec < 0)
		tv.sec = tv.usec = 0;
	/* A century is as good as for ever. */
	if (tv.sec > 3200000000)
		tv.sec = 3200000000;
	*ret_ns = (uint64_t)tv.sec * NS_PER_SEC + (uint64_t)tv.usec * 1000u;
	return 0;
}

static int set_linger(struct socket *s, uint64_t uval, uint32_t len)
{
	int linger[2];

	if (len < sizeof(linger))
		return -EINVAL;
	if (copy_from_user(linger, uval, sizeof(linger)) < 0)
		return -EFAULT;
	s->opts.linger_on = linger[0];
	s->opts.linger_s = linger[1];
	return 0;
}

/* Options of SOL_SOCKET that are no plain field. 1: not one of them. */
static int set_special(struct socket *s, int name, int value, uint64_t uval,
		       uint32_t len)
{
	switch (name) {
	case SO_SNDBUF:
	case SO_SNDBUFFORCE:
		s->opts.sndbuf = buffer_size(value);
		return 0;
	case SO_RCVBUF:
	case SO_RCVBUFFORCE:
		s->opts.rcvbuf = buffer_size(value);
		return 0;
	case SO_LINGER:
		return set_linger(s, uval, len);
	case SO_RCVTIMEO_OLD:
		return set_timeout(&s->opts.rcv_timeout_ns, uval, len);
	case SO_SNDTIMEO_OLD:
		return set_timeout(&s->opts.snd_timeout_ns, uval, len);
	case SO_TYPE:
	case SO_ERROR:
	case SO_DOMAIN:
	case SO_PROTOCOL:
	case SO_ACCEPTCONN:
		return -ENOPROTOOPT;
	default:
		return 1;
	}
}

static int set_plain(struct socket *s, const struct opt *o, int value)
{
	char *field = (char *)&s->opts + o->offset;
	bool on = value != 0;

	if (o->kind == OPT_FLAG)
		memcpy(field, &on, sizeof(on));
	else if (o->kind == OPT_INT)
		memcpy(field, &value, sizeof(value));
	if (s->ops->opts_changed)
		s->ops->opts_changed(s);
	return 0;
}

int sockopt_set(struct socket *s, int level, int name, uint64_t uval,
		uint32_t len)
{
	const struct opt *o;
	int value = 0, res = 1;
	uint8_t byte;

	if (!has_level(s, level))
		return s->family == AF_UNIX ? -EOPNOTSUPP : -ENOPROTOOPT;
	if (len >= sizeof(value)) {
		if (copy_from_user(&value, uval, sizeof(value)) < 0)
			return -EFAULT;
	} else if (len && level == SOL_IP) {
		if (copy_from_user(&byte, uval, 1) < 0)
			return -EFAULT;
		value = byte;
	} else {
		return -EINVAL;
	}
	if (level == SOL_SOCKET)
		res = set_special(s, name, value, uval, len);
	if (res <= 0)
		return res;
	if (level == SOL_TCP && name == TCP_MAXSEG) {
		s->opts.maxseg = value;
		return value < 88 || value > 32767 ? -EINVAL : 0;
	}
	o = find_opt(level, name);
	return o ? set_plain(s, o, value) : -ENOPROTOOPT;
}

/* ---- getsockopt --------------------------------------------------------- */

/* Copies up to *ulen bytes out and says how many. */
static int give(uint64_t uval, uint64_t ulen, const void *value, uint32_t size)
{
	int len;

	if (copy_from_user(&len, ulen, sizeof(len)) < 0)
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	if ((uint32_t)len > size)
		len = (int)size;
	if (copy_to_user(uval, value, (size_t)len) < 0)
		return -EFAULT;
	return copy_to_user(ulen, &len, sizeof(len));
}

static int give_int(uint64_t uval, uint64_t ulen, int value)
{
	return give(uval, ulen, &value, sizeof(value));
}

static int give_timeout(uint64_t uval, uint64_t ulen, uint64_t ns)
{
	uint64_t tv[2] = { ns / NS_PER_SEC, ns % NS_PER_SEC / 1000u };

	return give(uval, ulen, tv, sizeof(tv));
}

static int give_peercred(struct socket *s, uint64_t uval, uint64_t ulen)
{
	bool local = s->family == AF_UNIX;
	uint32_t cred[3] = { local ? (uint32_t)process_pid : 0,
			     local ? kernel_boot->uid : UINT32_MAX,
			     local ? kernel_boot->gid : UINT32_MAX };

	return give(uval, ulen, cred, sizeof(cred));
}

/* 1: no such option. */
static int get_special(struct socket *s, int name, uint64_t uval, uint64_t ulen)
{
	int linger[2] = { s->opts.linger_on, s->opts.linger_s };

	switch (name) {
	case SO_TYPE:
		return give_int(uval, ulen, s->type);
	case SO_DOMAIN:
		return give_int(uval, ulen, s->family);
	case SO_PROTOCOL:
		return give_int(uval, ulen, s->protocol);
	case SO_ACCEPTCONN:
		return give_int(uval, ulen, s->listening);
	case SO_ERROR:
		return give_int(uval, ulen, -socket_take_error(s));
	case SO_SNDBUF:
		return give_int(uval, ulen, s->opts.sndbuf);
	case SO_RCVBUF:
		return give_int(uval, ulen, s->opts.rcvbuf);
	case SO_LINGER:
		return give(uval, ulen, linger, sizeof(linger));
	case SO_RCVTIMEO_OLD:
		return give_timeout(uval, ulen, s->opts.rcv_timeout_ns);
	case SO_SNDTIMEO_OLD:
		return give_timeout(uval, ulen, s->opts.snd_timeout_ns);
	case SO_PEERCRED:
		return give_peercred(s, uval, ulen);
	default:
		return 1;
	}
}

static int get_tcp_info(struct socket *s, uint64_t uval, uint64_t ulen)
{
	struct tcp_info info = { .tcpi_snd_mss = 65483, .tcpi_rcv_mss = 65483 };
	struct sock_name peer;

	info.tcpi_state = TCP_CLOSE;
	if (s->listening)
		info.tcpi_state = TCP_LISTEN_STATE;
	else if (!s->ops->name(s, true, &peer))
		info.tcpi_state = TCP_ESTABLISHED;
	return give(uval, ulen, &info, sizeof(info));
}

static int get_plain(const struct socket *s, const struct opt *o, uint64_t uval,
		     uint64_t ulen)
{
	const char *field = (const char *)&s->opts + o->offset;
	bool flag = false;
	int value = 0;

	if (o->kind == OPT_FLAG) {
		memcpy(&flag, field, sizeof(flag));
		value = flag;
	} else if (o->kind == OPT_INT) {
		memcpy(&value, field, sizeof(value));
	}
	return give_int(uval, ulen, value);
}

int sockopt_get(struct socket *s, int level, int name, uint64_t uval,
		uint64_t ulen)
{
	const struct opt *o;
	int res = 1;

	if (!has_level(s, level))
		return -EOPNOTSUPP;
	if (level == SOL_SOCKET)
		res = get_special(s, name, uval, ulen);
	if (res <= 0)
		return res;
	if (level == SOL_TCP && name == TCP_INFO)
		return get_tcp_info(s, uval, ulen);
	if (level == SOL_TCP && name == TCP_MAXSEG)
		return give_int(uval, ulen,
				s->opts.maxseg ? s->opts.maxseg : 536);
	o = find_opt(level, name);
	return o ? get_plain(s, o, uval, ulen) : -ENOPROTOOPT;
}
