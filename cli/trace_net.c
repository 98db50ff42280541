/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments of socket calls in words: addresses, options, messages, and the
 * scatter lists that readv and writev share with them.
 */
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cli/trace_call.h"

typedef unsigned long long ull;

/* ---- addresses ---------------------------------------------------------- */

static void put_inet(struct text *t, const struct sockaddr_in *a)
{
	char ip[INET_ADDRSTRLEN];

	text_printf(t, "sin_port=htons(%u), sin_addr=inet_addr(\"%s\")",
		    ntohs(a->sin_port),
		    inet_ntop(AF_INET, &a->sin_addr, ip, sizeof(ip)));
}

static void put_inet6(struct text *t, const struct sockaddr_in6 *a)
{
	char ip[INET6_ADDRSTRLEN];

	text_printf(t,
		    "sin6_port=htons(%u), sin6_flowinfo=htonl(%u), "
		    "inet_pton(AF_INET6, \"%s\", &sin6_addr), "
		    "sin6_scope_id=%u",
		    ntohs(a->sin6_port), ntohl(a->sin6_flowinfo),
		    inet_ntop(AF_INET6, &a->sin6_addr, ip, sizeof(ip)),
		    a->sin6_scope_id);
}

static void put_unix(struct text *t, const struct sockaddr_un *a, size_t len)
{
	size_t max = len - offsetof(struct sockaddr_un, sun_path);
	bool abstract = max && !a->sun_path[0];

	if (!max)
		return;
	text_puts(t, abstract ? ", sun_path=@" : ", sun_path=");
	if (abstract)
		text_quote(t, a->sun_path + 1, max - 1);
	else
		text_quote(t, a->sun_path, strnlen(a->sun_path, max));
}

static void put_netlink(struct text *t, const struct sockaddr_nl *a)
{
	text_printf(t, "nl_pid=%u, nl_groups=%08x", a->nl_pid, a->nl_groups);
}

static void put_by_family(struct text *t, const struct sockaddr_storage *a,
			  size_t len)
{
	const void *p = a;

	if (a->ss_family == AF_UNIX) {
		put_unix(t, p, len);
		return;
	}
	text_puts(t, ", ");
	if (a->ss_family == AF_INET && len >= sizeof(struct sockaddr_in))
		put_inet(t, p);
	else if (a->ss_family == AF_INET6 && len >= sizeof(struct sockaddr_in6))
		put_inet6(t, p);
	else if (a->ss_family == AF_NETLINK &&
		 len >= sizeof(struct sockaddr_nl))
		put_netlink(t, p);
	else {
		text_puts(t, "sa_data=");
		text_quote(t, (const char *)p + 2, len - 2);
	}
}

void trace_put_sockaddr(struct text *t, const struct sockaddr *addr, size_t len)
{
	struct sockaddr_storage a = { 0 };

	if (len > sizeof(a))
		len = sizeof(a);
	memcpy(&a, addr, len);
	text_puts(t, "{sa_family=");
	trace_put_set(t, TRACE_SET_family, a.ss_family);
	if (len > sizeof(a.ss_family))
		put_by_family(t, &a, len);
	text_puts(t, "}");
}

static void put_address(const struct trace_call *c, uint64_t addr, uint32_t len)
{
	struct sockaddr_storage a;

	if (len > sizeof(a))
		len = sizeof(a);
	if (len < sizeof(a.ss_family) || !trace_get(c, addr, &a, len))
		text_addr(c->out, addr);
	else
		trace_put_sockaddr(c->out, (const struct sockaddr *)&a, len);
}

TRACE_ARG(sockaddr)
{
	put_address(c, c->arg[i], (uint32_t)c->arg[with]);
}

/* At most as much as the buffer that the program gave holds. */
static uint32_t filled_len(const struct trace_call *c, unsigned i)
{
	uint32_t len, room;

	if (!trace_get(c, c->arg[i], &len, sizeof(len)))
		return 0;
	room = c->before ? (uint32_t)c->before[i] : len;
	return len < room ? len : room;
}

TRACE_ARG(out_sockaddr)
{
	put_address(c, c->arg[i], filled_len(c, with));
}

TRACE_ARG(socklen)
{
	int now, before;

	(void)with;
	if (!trace_get_arg(c, i, &now, sizeof(now)))
		return;
	before = c->before ? (int)c->before[i] : now;
	if (c->failed || before == now)
		text_printf(c->out, "[%d]", before);
	else
		text_printf(c->out, "[%d => %d]", before, now);
}

/* ---- options ------------------------------------------------------------ */

TRACE_ARG(sockopt_name)
{
	unsigned set = TRACE_SET_udp_opt;

	(void)with;
	switch ((int)c->arg[1]) {
	case SOL_SOCKET:
		set = TRACE_SET_sock_opt;
		break;
	case IPPROTO_IP:
		set = TRACE_SET_ip_opt;
		break;
	case IPPROTO_IPV6:
		set = TRACE_SET_ipv6_opt;
		break;
	case IPPROTO_TCP:
		set = TRACE_SET_tcp_opt;
		break;
	case IPPROTO_UDP:
		break;
	default:
		text_printf(c->out, "%u", (unsigned)c->arg[i]);
		return;
	}
	trace_put_set(c->out, set, (uint32_t)c->arg[i]);
}

static bool is_opt(const struct trace_call *c, int level, int name)
{
	return (int)c->arg[1] == level && (int)c->arg[2] == name;
}

static void put_sockopt(const struct trace_call *c, unsigned i, uint32_t len)
{
	bool is_text = is_opt(c, SOL_SOCKET, SO_BINDTODEVICE) ||
		       is_opt(c, IPPROTO_TCP, TCP_CONGESTION);
	struct linger l;
	int value;

	if (len < sizeof(value) && !is_text)
		text_addr(c->out, c->arg[i]);
	else if (is_opt(c, SOL_SOCKET, SO_LINGER) && len == sizeof(l) &&
		 trace_get(c, c->arg[i], &l, sizeof(l)))
		text_printf(c->out, "{l_onoff=%d, l_linger=%d}", l.l_onoff,
			    l.l_linger);
	else if (len == sizeof(value) && !is_text &&
		 trace_get(c, c->arg[i], &value, sizeof(value)))
		text_printf(c->out, "[%d]", value);
	else
		trace_put_bytes(c, c->arg[i], len);
}

TRACE_ARG(sockopt)
{
	put_sockopt(c, i, (uint32_t)c->arg[with]);
}

TRACE_ARG(out_sockopt)
{
	put_sockopt(c, i, filled_len(c, with));
}

TRACE_ARG(socket_proto)
{
	unsigned set = TRACE_SET_COUNT;

	(void)with;
	switch ((int)c->arg[0]) {
	case AF_INET:
	case AF_INET6:
		set = TRACE_SET_proto;
		break;
	case AF_NETLINK:
		set = TRACE_SET_netlink;
		break;
	default:
		break;
	}
	if (set == TRACE_SET_COUNT)
		text_printf(c->out, "%u", (unsigned)c->arg[i]);
	else
		trace_put_set(c->out, set, (uint32_t)c->arg[i]);
}

/* ---- scatter lists ------------------------------------------------------ */

/* `total`: bytes that have been moved, of the whole list. */
static void put_iov(const struct trace_call *c, uint64_t addr, uint64_t count,
		    uint64_t total)
{
	uint64_t shown = count < c->text_max ? count : c->text_max;
	uint64_t v[2], len;

	if (!addr || (shown && !trace_get(c, addr, v, sizeof(v)))) {
		text_addr(c->out, addr);
		return;
	}
	text_puts(c->out, "[");
	for (uint64_t i = 0; i < shown; i++) {
		if (!trace_get(c, addr + i * sizeof(v), v, sizeof(v)))
			break;
		len = v[1] < total ? v[1] : total;
		total -= len;
		text_puts(c->out, i ? ", {iov_base=" : "{iov_base=");
		trace_put_bytes(c, v[0], len);
		text_printf(c->out, ", iov_len=%llu}", (ull)v[1]);
	}
	if (shown < count)
		text_puts(c->out, shown ? ", ..." : "...");
	text_puts(c->out, "]");
}

TRACE_ARG(iov)
{
	put_iov(c, c->arg[i], c->arg[with], UINT64_MAX);
}

TRACE_ARG(out_iov)
{
	put_iov(c, c->arg[i], c->arg[with], (uint64_t)c->ret);
}

/* ---- messages ----------------------------------------------------------- */

/* As struct msghdr of Linux; that of the C library may order it otherwise. */
struct msg {
	uint64_t name;
	uint32_t name_len, pad;
	uint64_t iov, iov_count;
	uint64_t control, control_len;
	uint32_t flags, pad2;
};

static void put_rights(const struct trace_call *c, uint64_t addr, uint64_t len)
{
	int fd;

	text_puts(c->out, "[");
	for (uint64_t k = 0; k + sizeof(fd) <= len; k += sizeof(fd)) {
		if (!trace_get(c, addr + k, &fd, sizeof(fd)))
			break;
		text_printf(c->out, k ? ", %d" : "%d", fd);
	}
	text_puts(c->out, "]");
}

static void put_cmsg(const struct trace_call *c, const struct cmsghdr *h,
		     uint64_t addr)
{
	uint64_t len = h->cmsg_len - sizeof(*h);
	bool socket = h->cmsg_level == SOL_SOCKET;

	text_printf(c->out, "{cmsg_len=%llu, cmsg_level=", (ull)h->cmsg_len);
	trace_put_set(c->out, TRACE_SET_sol, (uint32_t)h->cmsg_level);
	text_puts(c->out, ", cmsg_type=");
	if (socket)
		trace_put_set(c->out, TRACE_SET_cmsg, (uint32_t)h->cmsg_type);
	else
		text_printf(c->out, "%#x", (unsigned)h->cmsg_type);
	if (len) {
		text_puts(c->out, ", cmsg_data=");
		if (socket && h->cmsg_type == SCM_RIGHTS)
			put_rights(c, addr + sizeof(*h), len);
		else
			trace_put_bytes(c, addr + sizeof(*h), len);
	}
	text_puts(c->out, "}");
}

static void put_control(const struct trace_call *c, const struct msg *m)
{
	uint64_t at = 0;
	struct cmsghdr h;

	text_puts(c->out, "[");
	while (m->control_len - at >= sizeof(h) &&
	       trace_get(c, m->control + at, &h, sizeof(h)) &&
	       h.cmsg_len >= sizeof(h) && h.cmsg_len <= m->control_len - at) {
		if (at)
			text_puts(c->out, ", ");
		put_cmsg(c, &h, m->control + at);
		at += CMSG_ALIGN(h.cmsg_len);
		if (at > m->control_len)
			break;
	}
	text_puts(c->out, "]");
}

struct msg_print {
	uint64_t total; /* bytes that have been moved */
	uint64_t name_len_before; /* UINT64_MAX: it is not of interest */
};

static void put_msg(const struct trace_call *c, const struct msg *m,
		    const struct msg_print *p)
{
	struct text *t = c->out;

	text_puts(t, "{msg_name=");
	put_address(c, m->name, m->name_len);
	if (p->name_len_before != UINT64_MAX &&
	    p->name_len_before != m->name_len)
		text_printf(t, ", msg_namelen=%llu => %u",
			    (ull)p->name_len_before, m->name_len);
	else
		text_printf(t, ", msg_namelen=%u", m->name_len);
	text_puts(t, ", msg_iov=");
	put_iov(c, m->iov, m->iov_count, p->total);
	text_printf(t, ", msg_iovlen=%llu", (ull)m->iov_count);
	if (m->control_len && m->control) {
		text_puts(t, ", msg_control=");
		put_control(c, m);
	}
	text_printf(t,
		    ", msg_controllen=%llu, msg_flags=", (ull)m->control_len);
	trace_put_set(t, TRACE_SET_msg, m->flags);
	text_puts(t, "}");
}

TRACE_ARG(msg)
{
	const struct msg_print p = { UINT64_MAX, UINT64_MAX };
	struct msg m;

	(void)with;
	if (trace_get_arg(c, i, &m, sizeof(m)))
		put_msg(c, &m, &p);
}

TRACE_ARG(out_msg)
{
	struct msg_print p = { (uint64_t)c->ret,
			       c->before ? c->before[i] : UINT64_MAX };
	struct msg m;

	(void)with;
	if (!trace_get_arg(c, i, &m, sizeof(m)))
		return;
	if (c->failed)
		text_printf(c->out, "{msg_namelen=%u}", m.name_len);
	else
		put_msg(c, &m, &p);
}

/* struct mmsghdr */
struct mmsg {
	struct msg hdr;
	uint32_t len, pad;
};

_Static_assert(sizeof(struct mmsg) <= TRACE_ITEM_MAX, "TRACE_ITEM_MAX");

static void put_mmsg(const struct trace_call *c, const struct mmsg *m,
		     bool received)
{
	const struct msg_print p = { received ? m->len : UINT64_MAX,
				     UINT64_MAX };

	text_puts(c->out, "{msg_hdr=");
	put_msg(c, &m->hdr, &p);
	text_printf(c->out, ", msg_len=%u}", m->len);
}

static void put_sent(const struct trace_call *c, const void *item)
{
	struct mmsg m;

	memcpy(&m, item, sizeof(m));
	put_mmsg(c, &m, false);
}

static void put_received(const struct trace_call *c, const void *item)
{
	struct mmsg m;

	memcpy(&m, item, sizeof(m));
	put_mmsg(c, &m, true);
}

/* What sendmmsg sent: the lengths are known when it has returned. */
TRACE_ARG(mmsg)
{
	struct trace_array a = { .addr = c->arg[i],
				 .count = c->failed ? (uint32_t)c->arg[with] :
						      (uint64_t)c->ret,
				 .size = sizeof(struct mmsg),
				 .put = put_sent };

	trace_put_array(c, &a);
}

TRACE_ARG(out_mmsg)
{
	struct trace_array a = { .addr = c->arg[i],
				 .count = (uint64_t)c->ret,
				 .size = sizeof(struct mmsg),
				 .put = put_received };

	(void)with;
	trace_put_array(c, &a);
}
