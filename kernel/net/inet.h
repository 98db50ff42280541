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
/*
 * May the outside be asked for a connection to `a`? 0, or -ENETUNREACH,
 * which the log explains the first time.
 */
int inet_check_outbound(const struct net_addr *a);
/* The guest's own address as its peers outside are told. */
void inet_set_own(struct net_addr *a, bool v4);

/* ---- outbound connections (outbound.c) ----------------------------------- */

/* A request for a TCP connection that is under way. */
struct outbound;

/*
 * Asks for a connection to `to`; `done` will be called once with a handle or
 * -errno and our port, unless it is cancelled. NULL: no memory.
 */
typedef void (*outbound_fn)(struct socket *s, int64_t res, uint16_t port);
struct outbound *outbound_connect(struct socket *s, const struct net_addr *to,
				  outbound_fn done);
void outbound_cancel(struct outbound *o);

/* Datagrams to and from one peer outside, of one socket. */
struct udp_flow {
	struct list node; /* the socket's flows, the latest used first */
	struct socket *s; /* NULL: closed, goes when the rings are done */
	struct net_addr peer;
	struct flow_io *io;
};

/* Finds or makes the flow to `to`; 0 or -errno. */
int udp_flow_get(struct list *flows, struct socket *s,
		 const struct net_addr *to, struct udp_flow **ret);
/* Queues a datagram; -EAGAIN when too many are under way, or -errno. */
long udp_flow_send(struct udp_flow *f, struct iov_iter *from);
void udp_flows_close(struct list *flows);

/* ---- published ports ----------------------------------------------------- */

/* A published port; the index into kernel_boot->ports names it. */
struct port;

/* Publishes what kernel_boot lists; at boot and in each copy of a snapshot. */
void port_init(void);
/* The published port of a number, or NULL. */
struct port *port_find(uint16_t protocol, uint16_t number);
/*
 * The same for a socket of that port; where a snapshot is to be taken, any
 * port may be published later.
 */
struct port *port_for(uint16_t protocol, uint16_t number);

/*
 * Connections to the port now also go to the listener, or no longer.
 * port_listen: 0 or -errno of the host.
 */
int port_listen(struct port *p, struct list *listener, int backlog);
void port_unlisten(struct port *p, struct list *listener);
/* The first TCP port that the program listens on; 0: none. */
uint16_t port_listening(void);
/* A listener has room again, or waits. */
void port_more(struct port *p);

/* Datagrams to the port go to s (NULL: to nobody). */
void port_attach_udp(struct port *p, struct socket *s);
/* Whether the host takes datagrams for it now. */
bool port_sends(const struct port *p);
/* Queues a datagram; -EAGAIN when too many are under way, or -errno. */
long port_sendto(struct port *p, const struct net_addr *to,
		 struct iov_iter *from);

/* In tcp.c: a connection has come to one of the listeners. */
struct hstream;
bool tcp_listener_has_room(struct list *listener);
/* The program waits for a connection, and none is here. */
bool tcp_listener_waits(struct list *listener);
/* Takes hs. */
void tcp_accept_host(struct list *listener, struct hstream *hs);
/* In udp.c: a datagram has come; data is borrowed. */
void udp_receive_host(struct socket *s, const struct net_addr *from,
		      const void *data, uint32_t len);
/* A datagram to the outside did not arrive; errno. */
void udp_error_host(struct socket *s, int error);

#endif
