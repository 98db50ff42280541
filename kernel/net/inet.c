/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bound addresses, all in one list: a program has few. A dual-stack wildcard
 * (:: without IPV6_V6ONLY) stands for both families.
 */
#include "net/inet.h"

#include <linux/in.h>

#include "core/random.h"
#include "net/interface.h"

#define EPHEMERAL_FIRST 32768u
#define EPHEMERAL_COUNT 28232u /* to 60999, as Linux has it */

static struct list binds = LIST_INIT(binds);

static bool is_dual(const struct inet_bind *b)
{
	return !net_addr_is_v4(&b->addr) && net_addr_is_any(&b->addr) &&
	       !b->sock->opts.v6only;
}

static bool overlap(const struct inet_bind *a, const struct inet_bind *b)
{
	if (net_addr_is_v4(&a->addr) != net_addr_is_v4(&b->addr))
		return is_dual(a) || is_dual(b);
	return net_addr_is_any(&a->addr) || net_addr_is_any(&b->addr) ||
	       net_addr_same_ip(&a->addr, &b->addr);
}

static bool may_share(const struct socket *a, const struct socket *b)
{
	if (a->opts.reuseport && b->opts.reuseport)
		return true;
	if (!a->opts.reuseaddr || !b->opts.reuseaddr)
		return false;
	return !a->listening && !b->listening;
}

static struct inet_bind *conflict(const struct inet_bind *b)
{
	struct list *pos;

	list_for_each(pos, &binds) {
		struct inet_bind *o = container_of(pos, struct inet_bind, node);

		if (o != b && o->sock->protocol == b->sock->protocol &&
		    o->addr.port == b->addr.port && overlap(o, b) &&
		    !may_share(o->sock, b->sock))
			return o;
	}
	return NULL;
}

static bool port_in_use(const struct inet_bind *b)
{
	struct list *pos;

	if (port_find(b->sock->protocol, b->addr.port))
		return true;
	list_for_each(pos, &binds) {
		struct inet_bind *o = container_of(pos, struct inet_bind, node);

		if (o->sock->protocol == b->sock->protocol &&
		    o->addr.port == b->addr.port)
			return true;
	}
	return false;
}

static int choose_port(struct inet_bind *b)
{
	uint32_t at;

	random_fill(&at, sizeof(at));
	for (uint32_t i = 0; i < EPHEMERAL_COUNT; i++) {
		b->addr.port = (uint16_t)(EPHEMERAL_FIRST +
					  (at + i) % EPHEMERAL_COUNT);
		if (!port_in_use(b))
			return 0;
	}
	return -EADDRINUSE;
}

void inet_set_own(struct net_addr *a, bool v4)
{
	const struct interface *i = interface_at(1);

	net_addr_set_any(a, v4);
	if (i && v4)
		memcpy(a->ip + 12, i->ip4, sizeof(i->ip4));
	else if (i)
		memcpy(a->ip, i->ip6, sizeof(i->ip6));
}

/* The loopback, or an address of the guest's second interface. */
static bool is_own(const struct net_addr *a)
{
	struct net_addr own = { 0 };

	if (net_addr_is_loopback(a))
		return true;
	if (!interface_at(1))
		return false;
	inet_set_own(&own, net_addr_is_v4(a));
	return net_addr_same_ip(a, &own);
}

int inet_bind(struct inet_bind *b, struct socket *s,
	      const struct net_addr *addr)
{
	int err = 0;

	if (b->bound)
		return -EINVAL;
	if (!net_addr_is_any(addr) && !is_own(addr))
		return -EADDRNOTAVAIL;
	b->sock = s;
	b->addr = *addr;
	if (!addr->port)
		err = choose_port(b);
	else if (conflict(b))
		err = -EADDRINUSE;
	if (err)
		return err;
	b->bound = true;
	list_add_tail(&binds, &b->node);
	return 0;
}

int inet_autobind(struct inet_bind *b, struct socket *s)
{
	struct net_addr any = { 0 };

	if (b->bound)
		return 0;
	net_addr_set_any(&any, s->family == AF_INET);
	return inet_bind(b, s, &any);
}

void inet_unbind(struct inet_bind *b)
{
	if (b->bound)
		list_del(&b->node);
	b->bound = false;
}

int inet_may_listen(const struct inet_bind *b)
{
	struct list *pos;

	list_for_each(pos, &binds) {
		struct inet_bind *o = container_of(pos, struct inet_bind, node);

		if (o != b && o->sock->protocol == b->sock->protocol &&
		    o->addr.port == b->addr.port && o->sock->listening &&
		    overlap(o, b) &&
		    !(o->sock->opts.reuseport && b->sock->opts.reuseport))
			return -EADDRINUSE;
	}
	return 0;
}

/* How well b suits; 0: not at all. */
static int score(const struct inet_bind *b, const struct net_addr *to,
		 const struct net_addr *from)
{
	int points = 1;

	if (b->addr.port != to->port)
		return 0;
	if (b->sock->protocol == IPPROTO_TCP && !b->sock->listening)
		return 0;
	if (b->connected) {
		if (!from || !net_addr_equal(&b->peer, from))
			return 0;
		points += 4;
	}
	if (!net_addr_is_any(&b->addr))
		return net_addr_same_ip(&b->addr, to) ? points + 2 : 0;
	if (net_addr_is_v4(&b->addr) == net_addr_is_v4(to))
		return points + 1;
	return is_dual(b) ? points : 0;
}

struct socket *inet_lookup(uint16_t protocol, const struct net_addr *to,
			   const struct net_addr *from)
{
	struct inet_bind *best = NULL;
	struct list *pos;
	int best_score = 0;

	list_for_each(pos, &binds) {
		struct inet_bind *b = container_of(pos, struct inet_bind, node);
		int points = 0;

		if (b->sock->protocol == protocol)
			points = score(b, to, from);
		if (points > best_score) {
			best_score = points;
			best = b;
		}
	}
	if (!best)
		return NULL;
	/* Those that share a port (SO_REUSEPORT) take turns. */
	list_del(&best->node);
	list_add_tail(&binds, &best->node);
	return best->sock;
}

bool inet_route_local(struct net_addr *a)
{
	if (net_addr_is_any(a))
		net_addr_set_loopback(a, net_addr_is_v4(a));
	return is_own(a);
}

int inet_check_outbound(const struct net_addr *a)
{
	static bool said;
	char text[NET_ADDR_TEXT];

	if (kernel_boot->egress & MF_EGRESS_ON)
		return net_addr_is_v4(a) ||
				       kernel_boot->egress & MF_EGRESS_INET6 ?
			       0 :
			       -ENETUNREACH;
	if (!said)
		klog("the program tried to reach %s: outbound connections are "
		     "not allowed, it gets ENETUNREACH; mayfly run --egress "
		     "allows them",
		     net_addr_text(a, text));
	said = true;
	return -ENETUNREACH;
}
