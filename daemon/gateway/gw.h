/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the gateway share. A client has at most one exchange, a
 * request and its answer; an exchange has at most one upstream, the way to
 * an instance. In reading order: gateway.c (listeners, memory), client.c
 * (heads, keep-alive, time limits, ends), exchange.c (from a head to an
 * instance), relay.c (both bodies), upstream.c, answer.c (what we say
 * ourselves), stdio.c (functions that are no servers).
 *
 * Work on a client is done by gw_run alone, never nested: what happens
 * elsewhere and concerns a client is noted, and gw_wake puts the client on
 * the list of those that run before the loop sleeps. Clients and upstreams
 * that are closed are freed then, too, so that nobody holds a stale pointer.
 */
#ifndef DAEMON_GATEWAY_GW_H
#define DAEMON_GATEWAY_GW_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "daemon/dispatch.h"
#include "daemon/gateway/flow.h"
#include "daemon/gateway/forward.h"
#include "daemon/gateway/gateway.h"
#include "daemon/gateway/text.h"
#include "daemon/gateway/transport.h"
#include "http/head.h"
#include "lib/list.h"

#define GW_HEAD_MAX	(16u << 10)
#define GW_LINE_MAX	(8u << 10)
#define GW_RANDOM	4096u
#define GW_INFORM_MAX	10 /* interim responses of a function */
#define GW_WHY_MAX	200u
#define CLIENT_ADDR_MAX (FUNCTION_NAME_MAX + 1)
#define NS_PER_MS	1000000ull
#define NS_NEVER	UINT64_MAX

extern const struct http_limits gw_limits;

struct gateway {
	struct gateway_config cfg;
	struct loop *loop;
	struct flow_pool pool;
	struct list listeners, clients;
	struct list idle; /* clients between requests, the oldest first */
	struct list woken; /* to be run */
	struct list dead_clients;
	struct list upstreams, dead_upstreams;
	struct list exchanges; /* that nobody has at the moment */
	uint32_t client_count, in_flight, exchange_count;
	struct loop_task task; /* runs the woken, frees the dead */
	struct loop_timer accept_timer;
	bool paused; /* nothing is accepted */
	bool draining;
	void (*drained)(void *ctx);
	void *drained_ctx;
	struct metrics_source source;
	char date[32];
	uint64_t date_s;
	uint8_t random[GW_RANDOM];
	uint32_t random_left;
};

struct listener {
	struct list node;
	struct gateway *g;
	struct loop_watch watch;
	struct tls *tls;
	int fd;
};

/* Bytes that were read before it was known whose they are. */
struct inlet {
	char *buf; /* of the pool, FLOW_SIZE bytes, or NULL */
	uint32_t pos, len;
};

struct upstream {
	struct instance_link link; /* while nobody uses it */
	struct list node; /* of all, or of the dead */
	struct gateway *g;
	struct client *client; /* NULL: nobody uses it */
	struct loop_watch watch;
	int fd; /* a socket, or stdout */
	struct loop_watch watch_in;
	int fd_in; /* stdin; -1: the socket, or closed */
	bool is_socket;
	bool kept; /* it was used before */
	bool readable, writable, wants_out;
	bool hup; /* its end is among what can be read */
};

enum exchange_state {
	X_HEAD, /* the head is incomplete */
	X_WAIT, /* for an instance */
	X_CONNECT, /* its queue of connections was full */
	X_RELAY, /* bodies, or a tunnel */
	X_ANSWER, /* we said it ourselves */
};

struct exchange {
	struct list node; /* in gateway.exchanges */
	struct client *client;
	enum exchange_state state;
	struct inlet in; /* of the client; holds the head to the end */
	uint64_t arrived_ns, arrived_us; /* monotonic; realtime */
	uint64_t assigned_ns, progress_ns, sent_ns;
	struct route route;
	struct version *version; /* a reference; NULL: not known yet */
	char id[REQUEST_ID_MAX + 1];
	char traceparent[TRACEPARENT_LEN + 1];
	bool traced, upgrade;
	bool wants_token; /* which is not the function's to see */
	bool last; /* the client's connection ends with it */
	bool begun, reported;
	bool submitted; /* to dispatch, which has not assigned it */
	bool assigned; /* dispatch_done is due */
	struct dispatch_request rq;
	struct strlist env; /* of mode stdio */
	char instance[33];
	const char *start; /* how it began, for the log, or NULL */
	bool ended; /* the instance is gone, and why: */
	bool ended_well; /* its program finished with status 0 */
	char ended_why[GW_WHY_MAX];

	struct upstream *up;
	struct flow to_up, to_client;
	struct inlet from_up;
	unsigned connects, informed;
	uint64_t connect_ns; /* X_CONNECT: when to try again */
	bool retried;
	bool up_failed; /* takes no more of the request */
	bool up_eof; /* sends no more */
	bool up_extra; /* sent more than its answer */
	bool body_begun; /* some of the body went upstream */
	bool up_wrote; /* some of the request went to this upstream */
	bool answered; /* the head of the answer is on its way */
	bool tunnel;
	bool in_passed, out_passed; /* ends of directions */
	bool held; /* mode stdio: the answer waits for the end */
	uint64_t settle_ns; /* when an end without reason is believed; 0 */
	uint16_t status; /* of the answer; 0: none */
	char error[GW_WHY_MAX]; /* if we answered or cut it */

	struct http_head req, res; /* last: their tables are large */
};

enum client_state {
	C_OPEN,
	C_LINGER, /* all is said; reads what comes, for a while */
	C_CLOSED, /* freed before the loop sleeps */
};

struct client {
	struct list node; /* in gateway.clients, or dead_clients */
	struct list idle, woken;
	struct gateway *g;
	struct transport tr;
	struct loop_watch watch;
	struct loop_timer timer;
	uint64_t timer_at; /* NS_NEVER: not set */
	enum client_state state;
	bool tls, readable, writable, wants_out;
	bool eof; /* the client sends no more */
	bool hup; /* its end is among what can be read */
	bool gone; /* it takes nothing more */
	bool served; /* has had an answer */
	bool running, again;
	bool trusted; /* may call every function, without a token */
	bool pushed; /* bytes are there that were not parsed */
	bool resets; /* a plain end would look complete */
	uint64_t since_ns; /* idle, or lingering */
	uint64_t head_at; /* until when the head must be complete */
	uint32_t lingered; /* bytes */
	/* Another function is the client; a reference. NULL: it is not. */
	struct version *caller;
	char addr[CLIENT_ADDR_MAX + 1]; /* of a function: _NAME */
	struct exchange *x; /* NULL: no byte of a request is there */
};

/* ---- gateway.c ----------------------------------------------------------- */

struct exchange *gw_exchange_new(struct gateway *g); /* NULL: no memory */
void gw_exchange_free(struct gateway *g, struct exchange *x);
void gw_random(struct gateway *g, uint8_t *out, size_t len);
const char *gw_date(struct gateway *g);
/* A client is idle or closed: there may be room for another. */
void gw_room(struct gateway *g);
/* Frees the closed before the loop sleeps. */
void gw_reap_soon(struct gateway *g);

/* ---- client.c ------------------------------------------------------------ */

/* Takes over the descriptor; NULL: no memory, it is closed. */
struct client *client_new(struct gateway *g, int fd, struct tls *tls);
void client_set_address(struct client *c, const struct sockaddr_storage *peer);
/* Bytes of it that somebody else has read. 0 or -ENOMEM: it is closed. */
int client_push(struct client *c, const char *buf, size_t len);
void client_free(struct client *c);
/* At once; what was not sent is lost. */
void client_close(struct client *c);
/* Goes on with it before the loop sleeps. */
void gw_wake(struct client *c);
void gw_run(struct client *c);
ssize_t client_read(struct client *c, char *buf, size_t len);
/* Sends what waits in the flow: whether some was taken; or -errno. */
int client_send(struct client *c, struct flow *f);
/* The answer is sent as a whole. */
void client_next(struct client *c);

/* ---- exchange.c ---------------------------------------------------------- */

/* The head is complete. */
void exchange_begin(struct client *c);
/* X_CONNECT: tries again. */
void exchange_connect(struct client *c);
/* Its connection was closed: whether another one is tried. */
bool exchange_retry(struct client *c);
/* Gives the instance back, or takes back the wish for one. */
void exchange_release(struct client *c, bool broken);
/* Writes it down. */
void exchange_report(struct client *c);
bool exchange_is_stdio(const struct exchange *x);

/* ---- answer.c ------------------------------------------------------------ */

struct answer {
	uint16_t status;
	uint32_t retry_after_s; /* 0: not said */
	bool broken; /* the instance is to blame */
	const char *why; /* one sentence */
};

/*
 * The exchange has failed: the client is told so, or if it has part of an
 * answer already its connection is cut.
 */
void gw_fail(struct client *c, const struct answer *a);
/* The same in one call. */
void gw_fail_with(struct client *c, uint16_t status, bool broken,
		  const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Cut without a word; the reason is for the log. */
void gw_abort(struct client *c, bool broken, const char *why);
const char *gw_status_text(unsigned status);

/* ---- relay.c ------------------------------------------------------------- */

/* Writes the head for the instance, and sends. */
void relay_begin(struct client *c);
/*
 * Reads from the instance what is to be looked at first: bytes, 0 or -errno at
 * its end; -EAGAIN: there is nothing now, or the exchange has failed.
 */
ssize_t relay_fill_inlet(struct client *c);
/* Goes on as far as it can. */
void relay_run(struct client *c);
/* The head of an answer; `t` is what waits for the client. */
void relay_text_begin(struct flow *f, struct text *t);
bool relay_text_end(struct flow *f, const struct text *t);
/* What was read together with the head of an answer goes behind it; false:
 * there is no room now, or the exchange has failed. */
bool relay_receive_inlet(struct client *c);

/* ---- upstream.c ---------------------------------------------------------- */

/* A kept connection (`fresh`: not) or a new one; 0 or -errno. */
int upstream_open(struct client *c, bool fresh);
/* Standard input and output of the instance. */
int upstream_open_stdio(struct client *c);
/* 0: the end. As read(2), with -errno. */
ssize_t upstream_read(struct upstream *u, char *buf, size_t len);
/* Sends what waits: bytes taken, -EAGAIN, or -errno. */
ssize_t upstream_write(struct upstream *u, const char *buf, size_t len);
/* We send no more. */
void upstream_finish(struct upstream *u);
/* NULL is fine. */
void upstream_close(struct upstream *u);
/* From here on it belongs to the instance's list. */
struct instance_link *upstream_keep(struct upstream *u);
void upstream_free(struct upstream *u);

/* ---- stdio.c ------------------------------------------------------------- */

/* The variables of the request to x->env; 0 or -ENOMEM. */
int stdio_variables(struct client *c);
/* Reads the answer while it is held: whether there was some. */
bool stdio_receive(struct client *c);
/* The instance and its output have ended. */
void stdio_end(struct client *c);

#endif
