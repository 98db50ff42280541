/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is bound to which internet address inside the guest, and the ports the
 * host has published. "Inside" are the loopback addresses and the wildcard;
 * there is nothing else.
 */
#ifndef KERNEL_NET_INET_H
#define KERNEL_NET_INET_H

#include "net/socket.h"

struct inet_bind {
	struct list node;
	struct socket *sock;
	struct net_addr addr;
	struct net_addr peer; /* a connected datagram socket's */
	bool bound;
	bool connected;
};

/*
 * Binds b to addr; port 0 chooses one. Conflicts follow SO_REUSEADDR,
 * SO_REUSEPORT and IPV6_V6ONLY of the sockets. 0, -EADDRINUSE,
 * -EADDRNOTAVAIL or -EINVAL (already bound).
 */
int inet_bind(struct inet_bind *b, struct socket *s,
	      const struct net_addr *addr);
/* To the wildcard and a chosen port, if not bound yet. */
int inet_autobind(struct inet_bind *b, struct socket *s);
void inet_unbind(struct inet_bind *b);

/*
 * The socket that receives what goes to `to`, of the protocol: a listening
 * one (TCP), or any (UDP; `from` must suit a connected one). NULL: nobody.
 */
struct socket *inet_lookup(uint16_t protocol, const struct net_addr *to,
			   const struct net_addr *from);
/* EADDRINUSE check at listen: 0 or -EADDRINUSE. */
int inet_may_listen(const struct inet_bind *b);

/* True if `a` leads to the guest itself; the wildcard becomes loopback. */
bool inet_route_local(struct net_addr *a);
/* -ENETUNREACH; says so in the log, the first time. */
int inet_refuse_outbound(const struct net_addr *a);

/* ---- published ports ----------------------------------------------------- */

/* A published port; the index into kernel_boot->ports names it. */
struct port;

void port_init(void);
/* The published port of a number, or NULL. */
struct port *port_find(uint16_t protocol, uint16_t number);

/*
 * Connections to the port now also go to the listener, or no longer.
 * port_listen: 0 or -errno of the host.
 */
int port_listen(struct port *p, struct list *listener, int backlog);
void port_unlisten(struct port *p, struct list *listener);
/* A listener has room again. */
void port_more(struct port *p);

/* Datagrams to the port go to s (NULL: to nobody). */
void port_attach_udp(struct port *p, struct socket *s);
/* Queues a datagram; -EAGAIN when too many are under way, or -errno. */
long port_sendto(struct port *p, const struct net_addr *to,
		 struct iov_iter *from);

/* In tcp.c: a connection has come to one of the listeners. */
struct hstream;
bool tcp_listener_has_room(struct list *listener);
/* Takes hs. */
void tcp_accept_host(struct list *listener, struct hstream *hs);
/* In udp.c: a datagram has come; data is borrowed. */
void udp_receive_host(struct socket *s, const struct net_addr *from,
		      const void *data, uint32_t len);

#endif
