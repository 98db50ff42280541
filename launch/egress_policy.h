/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which destinations a guest may connect to: the rules of --egress, and the
 * addresses that the names in them have been seen to mean.
 *
 * Inside, an address is 16 bytes, IPv4 as ::ffff:a.b.c.d.
 */
#ifndef LAUNCH_EGRESS_POLICY_H
#define LAUNCH_EGRESS_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/guest.h"
#include "host/err.h"

#define EGRESS_RULES_MAX   64u
#define EGRESS_LEARNED_MAX 1024u /* the oldest makes room */
#define EGRESS_NAME_MAX	   253u
#define EGRESS_HOST_NAME   "host.mayfly.internal"
/* NAME.fn.mayfly.internal: a function of the platform, on port 80. */
#define EGRESS_FUNCTIONS     ".fn.mayfly.internal"
#define EGRESS_FUNCTION_PORT 80u

struct egress_ip {
	uint8_t b[16];
};

enum egress_kind {
	EGRESS_ALL, /* but this host's loopback and link-local addresses */
	EGRESS_HOST, /* this host's loopback */
	EGRESS_NET,
	EGRESS_NAME,
};

struct egress_rule {
	enum egress_kind kind;
	uint16_t port; /* 0: any */
	uint8_t bits; /* NET: how many of the 128 count */
	struct egress_ip ip; /* NET */
	char name[EGRESS_NAME_MAX + 1]; /* NAME: lower case; "*.x" */
};

struct egress_learned {
	struct egress_ip ip;
	uint64_t rules; /* bit i: rule i */
};

struct egress_policy {
	struct egress_rule rules[EGRESS_RULES_MAX];
	uint32_t count;
	struct egress_learned learned[EGRESS_LEARNED_MAX];
	uint32_t learned_count; /* so far; modulo the maximum: the next */
	/* Who is told what was refused, in one sentence; NULL: it is logged.
	 * What repeats is told once. */
	void (*refused)(void *arg, const char *text);
	void *refused_arg;
	/* A stream to whoever answers for functions, by the Host of requests;
	 * the caller's, or -errno. NULL: there are none. */
	int (*open_functions)(void *arg);
	void *open_arg;
};

enum egress_verdict {
	EGRESS_DENY = 0,
	EGRESS_ALLOW, /* as it is */
	EGRESS_TO_HOST, /* 127.0.0.1 of the host instead */
	EGRESS_TO_DNS, /* the name server that we are */
	EGRESS_TO_FUNCTIONS, /* whoever answers for functions */
};

/*
 * Adds HOST[:PORT], ADDR[/PREFIX][:PORT] or all[:PORT]; an IPv6 address
 * stands in brackets, a name may begin with "*.".
 */
int egress_policy_add(struct egress_policy *p, const char *text, struct err *e);

/* Where a connection to port `port` of `ip` may go. */
enum egress_verdict egress_policy_check(const struct egress_policy *p,
					const struct egress_ip *ip,
					uint16_t port);

/* May this name (lower case, no dot at the end) be looked up? */
bool egress_policy_may_resolve(const struct egress_policy *p, const char *name);
/* May the function of this name be called? Only if a rule says so. */
bool egress_policy_may_call(const struct egress_policy *p,
			    const char *function);
/* True if a rule makes every name good. */
bool egress_policy_any_name(const struct egress_policy *p);

/* The name means this address: its rules now allow it. */
void egress_policy_learn(struct egress_policy *p, const char *name,
			 const struct egress_ip *ip);

/* Tells whom it concerns that something was refused. */
void egress_policy_say(const struct egress_policy *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* 0, or -EAFNOSUPPORT. */
int egress_ip_of(struct egress_ip *ret, const struct mf_endpoint *ep);
struct egress_ip egress_ip_v4(uint32_t ip); /* host byte order */
bool egress_ip_is_v4(const struct egress_ip *ip);

#define EGRESS_IP_TEXT 64
/* "192.0.2.1" or "[2001:db8::1]", as rules have it. */
void egress_ip_text(const struct egress_ip *ip, char text[EGRESS_IP_TEXT]);

#endif
