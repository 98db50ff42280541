/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests are bytes of a monitor, which may have fallen to its guest: each
 * is checked whole, and all it can get is what the policy allows. A socket is
 * handed over as soon as it is connecting, so nothing is kept here.
 */
#include "launch/egress.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "host/log.h"
#include "launch/resolver.h"

#define DNS_PORT	53
#define EVENTS_MAX	16
#define REFUSALS_LOGGED 16u

struct refusal {
	struct egress_ip ip;
	uint16_t port;
};

struct egress {
	struct egress_policy *policy;
	const struct name_servers *servers;
	struct resolver *resolver;
	int epoll_fd;
	bool deaf; /* the monitor did not take an answer, and we said so */
	struct refusal refusals[REFUSALS_LOGGED]; /* that the log has */
	uint32_t refusal_count;
};

struct target {
	struct sockaddr_storage addr;
	socklen_t len;
};

int egress_new(struct egress **ret, struct egress_policy *policy,
	       struct name_servers *servers, struct err *e)
{
	struct egress *g = calloc(1, sizeof(*g));
	int err;

	if (!g)
		return err_set(e, ENOMEM, "out of memory");
	name_servers_default(servers);
	g->policy = policy;
	g->servers = servers;
	g->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	err = g->epoll_fd < 0 ?
		      -errno :
		      resolver_new(&g->resolver, g->epoll_fd, policy, servers);
	if (err) {
		egress_free(g);
		return err_sys(e, -err, "cannot set up --egress");
	}
	*ret = g;
	return 0;
}

void egress_free(struct egress *g)
{
	if (!g)
		return;
	resolver_free(g->resolver);
	if (g->epoll_fd >= 0)
		close(g->epoll_fd);
	free(g);
}

int egress_fd(const struct egress *g)
{
	return g->epoll_fd;
}

void egress_serve(struct egress *g)
{
	struct epoll_event ev[EVENTS_MAX];
	int n = epoll_wait(g->epoll_fd, ev, EVENTS_MAX, 0);

	for (int i = 0; i < n; i++)
		resolver_event(g->resolver, ev[i].data.u32);
}

/* ---- refusing ----------------------------------------------------------- */

/* Each destination once, and not for ever: a guest can try them all. */
static bool worth_saying(struct egress *g, const struct egress_ip *ip,
			 uint16_t port)
{
	for (uint32_t i = 0; i < g->refusal_count; i++)
		if (g->refusals[i].port == port &&
		    !memcmp(&g->refusals[i].ip, ip, sizeof(*ip)))
			return false;
	if (g->refusal_count == REFUSALS_LOGGED)
		return false;
	g->refusals[g->refusal_count++] = (struct refusal){ *ip, port };
	return true;
}

/* Addresses that stand for something have its name in rules. */
static void name_of(const struct egress_ip *ip, char text[EGRESS_IP_TEXT])
{
	const struct egress_ip host = egress_ip_v4(MF_NET_HOST);
	const struct egress_ip functions = egress_ip_v4(MF_NET_FUNCTIONS);

	if (!memcmp(ip, &host, sizeof(host)))
		snprintf(text, EGRESS_IP_TEXT, "%s", EGRESS_HOST_NAME);
	else if (!memcmp(ip, &functions, sizeof(functions)))
		snprintf(text, EGRESS_IP_TEXT, "NAME" EGRESS_FUNCTIONS);
	else
		egress_ip_text(ip, text);
}

static void log_refusal(struct egress *g, const struct egress_ip *ip,
			uint16_t port)
{
	char text[EGRESS_IP_TEXT];

	if (!worth_saying(g, ip, port))
		return;
	name_of(ip, text);
	egress_policy_say(
		g->policy,
		"the program tried to reach %s port %u, which is not allowed; "
		"--egress %s:%u allows it",
		text, port, text, port);
	if (g->refusal_count == REFUSALS_LOGGED)
		egress_policy_say(
			g->policy,
			"further destinations that are not allowed will not "
			"be named");
}

/* ---- connecting --------------------------------------------------------- */

static struct target target_v4(const uint8_t ip[4], uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(port) };
	struct target t = { .len = sizeof(in) };

	memcpy(&in.sin_addr, ip, 4);
	memcpy(&t.addr, &in, sizeof(in));
	return t;
}

static struct target target_of(const struct egress_ip *ip,
			       const struct mf_endpoint *to)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(to->port),
				    .sin6_scope_id = to->scope };
	struct target t = { .len = sizeof(in6) };

	if (egress_ip_is_v4(ip))
		return target_v4(ip->b + 12, to->port);
	memcpy(&in6.sin6_addr, ip->b, 16);
	memcpy(&t.addr, &in6, sizeof(in6));
	return t;
}

/* A socket that is connected or connecting, or -errno. */
static int dial(uint32_t proto, const struct target *t)
{
	int type = proto == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM;
	AUTO_CLOSE int fd = -1;

	fd = socket(t->addr.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&t->addr, t->len) < 0 &&
	    errno != EINPROGRESS)
		return -errno;
	return take_fd(&fd);
}

/* Over TCP the names of questions are not seen: only if all are good. */
static int open_dns(struct egress *g, const struct mf_ctl_connect *q)
{
	struct target t = { .len = g->servers->server[0].len };

	if (q->to.port != DNS_PORT)
		return -ECONNREFUSED;
	if (q->proto == IPPROTO_UDP)
		return resolver_open_flow(g->resolver);
	if (!egress_policy_any_name(g->policy))
		return -ECONNREFUSED;
	t.addr = g->servers->server[0].addr;
	return dial(q->proto, &t);
}

static int open_allowed(struct egress *g, const struct mf_ctl_connect *q)
{
	static const uint8_t loopback[4] = { 127, 0, 0, 1 };
	struct egress_ip ip;
	struct target t;
	int err = egress_ip_of(&ip, &q->to);

	if (err)
		return err;
	if (q->proto != IPPROTO_TCP && q->proto != IPPROTO_UDP)
		return -EPROTONOSUPPORT;
	switch (egress_policy_check(g->policy, &ip, q->to.port)) {
	case EGRESS_TO_DNS:
		return open_dns(g, q);
	case EGRESS_TO_HOST:
		t = target_v4(loopback, q->to.port);
		break;
	case EGRESS_TO_FUNCTIONS:
		if (q->proto != IPPROTO_TCP)
			return -ECONNREFUSED;
		return g->policy->open_functions(g->policy->open_arg);
	case EGRESS_ALLOW:
		t = target_of(&ip, &q->to);
		break;
	case EGRESS_DENY:
	default:
		log_refusal(g, &ip, q->to.port);
		return -ENETUNREACH;
	}
	return dial(q->proto, &t);
}

/* The port of our end; 0 if it has none. */
static uint16_t port_of(int fd)
{
	struct sockaddr_storage a = { 0 };
	socklen_t len = sizeof(a);
	struct sockaddr_in in;

	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0 ||
	    (a.ss_family != AF_INET && a.ss_family != AF_INET6))
		return 0;
	memcpy(&in, &a, sizeof(in)); /* at the same place in both */
	return ntohs(in.sin_port);
}

/* 0 or -errno. */
static int answer(int ctl, const struct mf_ctl_command *c, int fd)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct mf_ctl_command copy = *c;
	struct iovec iov = { &copy, sizeof(copy) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *h;

	if (fd >= 0) {
		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof(control.buf);
		h = CMSG_FIRSTHDR(&msg);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &fd, sizeof(int));
	}
	return sendmsg(ctl, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

bool egress_connect(struct egress *g, int ctl, const struct mf_ctl_connect *q)
{
	struct mf_ctl_command c = { .kind = MF_CMD_CONNECTED };
	AUTO_CLOSE int fd = open_allowed(g, q);
	int err;

	c.u.connected.id = q->id;
	c.u.connected.error = fd < 0 ? fd : 0;
	if (fd >= 0)
		c.u.connected.port = port_of(fd);
	err = answer(ctl, &c, fd);
	if (err == -ETOOMANYREFS && fd >= 0) {
		c.u.connected.error = -EMFILE;
		err = answer(ctl, &c, -1);
	}
	/* An honest monitor asks no more than fits. */
	if (err == -EAGAIN && !g->deaf) {
		g->deaf = true;
		log_say("the monitor does not take the connections that it "
			"asked for; some will not come about");
	}
	return c.u.connected.error != -ENETUNREACH;
}
