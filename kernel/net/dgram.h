/* SPDX-License-Identifier: Apache-2.0 */
/* Queues of datagrams: UDP, and unix sockets that keep message boundaries. */
#ifndef KERNEL_NET_DGRAM_H
#define KERNEL_NET_DGRAM_H

#include "net/socket.h"

struct dgram {
	struct list node;
	struct sock_name from;
	struct scm_files *files; /* or NULL */
	uint32_t len;
	uint8_t data[];
};

struct dgram_queue {
	struct list list; /* struct dgram.node */
	uint32_t bytes; /* with overhead */
	bool eof; /* nothing more will come */
};

void dgram_queue_init(struct dgram_queue *q);
void dgram_queue_clear(struct dgram_queue *q);

/* Room for len bytes, data not filled in; NULL: no memory. */
struct dgram *dgram_new(uint32_t len);
void dgram_free(struct dgram *d);

/* False if the queue holds `limit` bytes already. */
bool dgram_has_room(const struct dgram_queue *q, uint32_t limit);
void dgram_put(struct dgram_queue *q, struct dgram *d);

/* recv of the socket that owns q. */
long dgram_recv(struct socket *s, struct dgram_queue *q, struct sock_msg *m);
/* The length of the next one, or 0. */
uint32_t dgram_readable(const struct dgram_queue *q);

#endif
