/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One end of a byte stream, which a TCP or unix socket contains. Its other
 * end is a stream inside the guest (`peer`: what we send goes into its rx) or
 * a stream of the host (`host`).
 */
#ifndef KERNEL_NET_STREAM_H
#define KERNEL_NET_STREAM_H

#include "fs/bytebuf.h"
#include "net/socket.h"

#define STREAM_BUF_MAX (256u << 10)

struct hstream;

/* Files in front of the byte numbered `at`. */
struct scm_mark {
	struct list node;
	uint64_t at;
	struct scm_files *files;
};

struct stream {
	struct socket *sock;
	struct stream *peer;
	struct hstream *host;
	struct bytebuf rx; /* inside the guest only */
	struct list marks; /* struct scm_mark.node, files in rx */
	uint64_t rx_first; /* number of the first byte in rx */
	bool rx_eof; /* nothing comes after what is there */
	bool rx_shut, tx_shut; /* we said so */
	bool connected;
	bool wants_room; /* wake us when the peer has read */
};

void stream_init(struct stream *st, struct socket *s);
void stream_pair(struct stream *a, struct stream *b);
void stream_attach_host(struct stream *st, struct hstream *hs);

long stream_send(struct stream *st, struct sock_msg *m);
long stream_recv(struct stream *st, struct sock_msg *m);
/* Room it reports as missing wakes the socket when it comes. */
uint32_t stream_poll(struct stream *st);
uint32_t stream_readable(const struct stream *st);
/* Both directions have ended: TCP's state CLOSE. */
bool stream_is_over(const struct stream *st);
void stream_shutdown(struct stream *st, int how);
/* Says goodbye to the other end; frees what the stream holds. */
void stream_close(struct stream *st);

/* ---- streams of the host (hstream.c) ------------------------------------ */

/*
 * A stream whose first `len` bytes have arrived in `page` (NULL: none have);
 * receives more by itself. Takes the page and the handle, also on failure
 * (NULL).
 */
struct hstream *hstream_new(uint32_t handle, const struct net_addr *peer,
			    uint8_t *page, uint32_t len);
const struct net_addr *hstream_peer(const struct hstream *hs);
void hstream_attach(struct hstream *hs, struct stream *st);
/* Bytes moved; 0: none there, or no room. */
long hstream_send(struct hstream *hs, struct iov_iter *from);
long hstream_recv(struct hstream *hs, struct iov_iter *to, bool peek);
uint32_t hstream_readable(const struct hstream *hs);
bool hstream_at_eof(const struct hstream *hs);
/* The far end sent a FIN, and all before it has been read. */
bool hstream_said_goodbye(const struct hstream *hs);
/* The far end said its last word; some of it may not be read yet. */
bool hstream_is_ending(const struct hstream *hs);
bool hstream_writable(struct hstream *hs);
void hstream_shutdown_write(struct hstream *hs);
void hstream_shutdown_read(struct hstream *hs);
void hstream_setopt(struct hstream *hs, uint32_t opt, uint64_t value);
/* Frees hs once what was sent has gone out. */
void hstream_close(struct hstream *hs);

#endif
