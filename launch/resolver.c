/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flow is one socket of the guest, a lookup one question under way, on a
 * host socket of its own so that answers are hard to forge. A question that
 * is asked again while it is under way goes to the next name server.
 */
#include "launch/resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "launch/dns.h"

#define FLOWS_MAX	64u
#define LOOKUPS_MAX	128u
#define LOOKUP_TAG	0x10000u /* data.u32 of lookups starts here */
#define PATIENCE_MS	15000u
#define REFUSALS_LOGGED 8u

struct flow {
	int fd; /* -1: free */
	uint32_t round; /* differs at each use */
};

struct lookup {
	int fd; /* -1: free */
	uint32_t flow, round; /* whose question it is */
	uint32_t server; /* that was asked last */
	uint16_t guest_id;
	uint64_t begin_ms;
	struct dns_question q; /* with our own identifier */
	uint16_t len;
	uint8_t msg[512]; /* the question as sent, if it fits */
};

struct resolver {
	int epoll_fd;
	struct egress_policy *policy;
	const struct name_servers *servers;
	/* names that the log has */
	char refused[REFUSALS_LOGGED][DNS_NAME_MAX + 1];
	unsigned refused_count;
	struct flow flows[FLOWS_MAX];
	struct lookup lookups[LOOKUPS_MAX];
};

int resolver_new(struct resolver **ret, int epoll_fd,
		 struct egress_policy *policy,
		 const struct name_servers *servers)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->epoll_fd = epoll_fd;
	r->policy = policy;
	r->servers = servers;
	for (uint32_t i = 0; i < FLOWS_MAX; i++)
		r->flows[i].fd = -1;
	for (uint32_t i = 0; i < LOOKUPS_MAX; i++)
		r->lookups[i].fd = -1;
	*ret = r;
	return 0;
}

void resolver_free(struct resolver *r)
{
	if (!r)
		return;
	for (uint32_t i = 0; i < FLOWS_MAX; i++)
		if (r->flows[i].fd >= 0)
			close(r->flows[i].fd);
	for (uint32_t i = 0; i < LOOKUPS_MAX; i++)
		if (r->lookups[i].fd >= 0)
			close(r->lookups[i].fd);
	free(r);
}

static int watch(struct resolver *r, int fd, uint32_t tag)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = tag };

	return epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

int resolver_open_flow(struct resolver *r)
{
	int pair[2], err;
	uint32_t i = 0;

	while (i < FLOWS_MAX && r->flows[i].fd >= 0)
		i++;
	if (i == FLOWS_MAX)
		return -EMFILE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
		       0, pair) < 0)
		return -errno;
	err = watch(r, pair[0], i);
	if (err) {
		close(pair[0]);
		close(pair[1]);
		return err;
	}
	r->flows[i].fd = pair[0];
	r->flows[i].round++;
	return pair[1];
}

/* ---- lookups ------------------------------------------------------------ */

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void lookup_end(struct lookup *l)
{
	close(l->fd);
	l->fd = -1;
}

static bool same_question(const struct lookup *l, const struct dns_question *q)
{
	return l->q.type == q->type && l->q.class == q->class &&
	       strcmp(l->q.name, q->name) == 0;
}

/*
 * A free place, or that of the oldest; *ret_same counts those that ask the
 * same. What is too old to be answered goes.
 */
static struct lookup *
find_place(struct resolver *r, const struct dns_question *q, uint32_t *ret_same)
{
	uint64_t now = now_ms();
	struct lookup *best = NULL;

	*ret_same = 0;
	for (uint32_t i = 0; i < LOOKUPS_MAX; i++) {
		struct lookup *l = &r->lookups[i];

		if (l->fd >= 0 && now - l->begin_ms > PATIENCE_MS)
			lookup_end(l);
		if (l->fd >= 0 && same_question(l, q))
			(*ret_same)++;
		if (!best || (best->fd >= 0 &&
			      (l->fd < 0 || l->begin_ms < best->begin_ms)))
			best = l;
	}
	if (best->fd >= 0)
		lookup_end(best);
	best->begin_ms = now;
	return best;
}

/* Sends the question of l to server number l->server; 0 or -errno. */
static int ask_server(struct resolver *r, struct lookup *l)
{
	const struct name_server *s = &r->servers->server[l->server];
	int err;

	l->fd = socket(s->addr.ss_family,
		       SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return -errno;
	if (connect(l->fd, (const struct sockaddr *)&s->addr, s->len) < 0 ||
	    send(l->fd, l->msg, l->len, MSG_NOSIGNAL) < 0) {
		err = -errno;
		lookup_end(l);
		return err;
	}
	err = watch(r, l->fd, LOOKUP_TAG + (uint32_t)(l - r->lookups));
	if (err)
		lookup_end(l);
	return err;
}

static void reply(const struct resolver *r, uint32_t flow, const uint8_t *msg,
		  size_t len)
{
	/* A guest that does not take its answers goes without. */
	send(r->flows[flow].fd, msg, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void reply_code(const struct resolver *r, uint32_t flow,
		       const uint8_t *query, const struct dns_question *q,
		       enum dns_code code)
{
	uint8_t out[DNS_OWN_MAX];

	reply(r, flow, out, dns_make_answer(out, query, q, code, NULL));
}

/* The server that was asked is not there: another one, or none. */
static void try_next(struct resolver *r, struct lookup *l)
{
	struct dns_question q = l->q;

	while (++l->server < r->servers->count)
		if (ask_server(r, l) == 0)
			return;
	if (r->flows[l->flow].round != l->round || r->flows[l->flow].fd < 0)
		return;
	dns_set_id(l->msg, l->guest_id);
	reply_code(r, l->flow, l->msg, &q, DNS_SERVER_FAILED);
}

static void forward(struct resolver *r, uint32_t flow, const uint8_t *msg,
		    size_t len, const struct dns_question *q)
{
	struct lookup *l;
	uint32_t same;

	if (len > sizeof(l->msg)) {
		reply_code(r, flow, msg, q, DNS_SERVER_FAILED);
		return;
	}
	l = find_place(r, q, &same);
	l->flow = flow;
	l->round = r->flows[flow].round;
	l->guest_id = q->id;
	l->q = *q;
	getrandom(&l->q.id, sizeof(l->q.id), 0);
	memcpy(l->msg, msg, len);
	l->len = (uint16_t)len;
	dns_set_id(l->msg, l->q.id);
	l->server = same % r->servers->count;
	if (ask_server(r, l) < 0)
		try_next(r, l);
}

struct learning {
	struct egress_policy *policy;
	const char *name;
};

static void learn(void *ctx, const uint8_t *ip, size_t ip_len)
{
	struct learning *to = ctx;
	struct egress_ip a = egress_ip_v4(0);

	memcpy(a.b + (sizeof(a.b) - ip_len), ip, ip_len);
	egress_policy_learn(to->policy, to->name, &a);
}

static void on_answer(struct resolver *r, struct lookup *l)
{
	struct learning to = { r->policy, l->q.name };
	uint8_t msg[DNS_MESSAGE_MAX];
	ssize_t n = recv(l->fd, msg, sizeof(msg), MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		lookup_end(l);
		try_next(r, l);
		return;
	}
	if ((size_t)n > sizeof(msg) || !dns_is_answer(msg, (size_t)n, &l->q))
		return; /* forged, or broken: the true one may come */
	lookup_end(l);
	dns_each_address(msg, (size_t)n, &l->q, learn, &to);
	if (r->flows[l->flow].round != l->round || r->flows[l->flow].fd < 0)
		return;
	dns_set_id(msg, l->guest_id);
	reply(r, l->flow, msg, (size_t)n);
}

/* ---- questions ---------------------------------------------------------- */

/* Each name once, and not for ever. */
static void log_refusal(struct resolver *r, const char *name)
{
	for (unsigned i = 0; i < r->refused_count; i++)
		if (strcmp(r->refused[i], name) == 0)
			return;
	if (r->refused_count == REFUSALS_LOGGED)
		return;
	memcpy(r->refused[r->refused_count++], name, strlen(name) + 1);
	egress_policy_say(
		r->policy,
		"the program looked up %s, which is not allowed; --egress %s "
		"allows it",
		name, name);
}

static void refuse(struct resolver *r, uint32_t flow, const uint8_t *msg,
		   const struct dns_question *q)
{
	log_refusal(r, q->name);
	/* At DNS_REFUSED musl goes on waiting for a better answer. */
	reply_code(r, flow, msg, q, DNS_NO_SUCH_NAME);
}

/* A name that is ours: an IPv4 address and no other. */
static void answer_own(struct resolver *r, uint32_t flow, const uint8_t *msg,
		       const struct dns_question *q)
{
	const struct egress_ip ip = egress_ip_v4(
		strcmp(q->name, EGRESS_HOST_NAME) == 0 ? MF_NET_HOST :
							 MF_NET_FUNCTIONS);
	uint8_t out[DNS_OWN_MAX];
	size_t n;

	n = dns_make_answer(out, msg, q, DNS_OK,
			    q->type == DNS_TYPE_A ? ip.b + 12 : NULL);
	reply(r, flow, out, n);
}

static bool is_own(const struct egress_policy *p, const char *name)
{
	size_t len = strlen(name), tail = strlen(EGRESS_FUNCTIONS);

	return strcmp(name, EGRESS_HOST_NAME) == 0 ||
	       (p->open_functions && len > tail &&
		strcmp(name + len - tail, EGRESS_FUNCTIONS) == 0);
}

static void on_question(struct resolver *r, uint32_t flow)
{
	struct flow *f = &r->flows[flow];
	uint8_t msg[DNS_MESSAGE_MAX];
	struct dns_question q;
	ssize_t n = recv(f->fd, msg, sizeof(msg), MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close(f->fd);
		f->fd = -1;
		return;
	}
	if (!dns_parse_query(msg, (size_t)n, &q))
		return;
	if (!egress_policy_may_resolve(r->policy, q.name))
		refuse(r, flow, msg, &q);
	else if (is_own(r->policy, q.name))
		answer_own(r, flow, msg, &q);
	else
		forward(r, flow, msg, (size_t)n, &q);
}

void resolver_event(struct resolver *r, uint32_t tag)
{
	if (tag < FLOWS_MAX && r->flows[tag].fd >= 0)
		on_question(r, tag);
	tag -= LOOKUP_TAG;
	if (tag < LOOKUPS_MAX && r->lookups[tag].fd >= 0)
		on_answer(r, &r->lookups[tag]);
}
