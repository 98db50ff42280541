/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of --egress. What is refused whatever the rules say: the host's
 * loopback by its number, since in a guest those addresses are the guest's
 * own, and the addresses that Linux takes for it.
 */
#include "launch/egress_policy.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "host/log.h"

static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

/* ---- addresses ---------------------------------------------------------- */

bool egress_ip_is_v4(const struct egress_ip *ip)
{
	return !memcmp(ip->b, v4_prefix, sizeof(v4_prefix));
}

static uint32_t v4_of(const struct egress_ip *ip)
{
	return (uint32_t)ip->b[12] << 24 | (uint32_t)ip->b[13] << 16 |
	       (uint32_t)ip->b[14] << 8 | ip->b[15];
}

struct egress_ip egress_ip_v4(uint32_t ip)
{
	struct egress_ip ret = { .b = { [10] = 0xff, [11] = 0xff } };

	for (int i = 0; i < 4; i++)
		ret.b[12 + i] = (uint8_t)(ip >> (24 - 8 * i));
	return ret;
}

int egress_ip_of(struct egress_ip *ret, const struct mf_endpoint *ep)
{
	if (ep->family != AF_INET && ep->family != AF_INET6)
		return -EAFNOSUPPORT;
	memcpy(ret->b, ep->addr, 16);
	if (ep->family == AF_INET) {
		memcpy(ret->b, v4_prefix, sizeof(v4_prefix));
		memcpy(ret->b + 12, ep->addr, 4);
	}
	return 0;
}

void egress_ip_text(const struct egress_ip *ip, char text[EGRESS_IP_TEXT])
{
	char number[INET6_ADDRSTRLEN] = "";

	if (egress_ip_is_v4(ip)) {
		inet_ntop(AF_INET, ip->b + 12, text, EGRESS_IP_TEXT);
		return;
	}
	inet_ntop(AF_INET6, ip->b, number, sizeof(number));
	snprintf(text, EGRESS_IP_TEXT, "[%s]", number);
}

static bool same_bits(const struct egress_ip *a, const struct egress_ip *b,
		      unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	unsigned mask = 0xffu << (8 - rest) & 0xff;

	if (memcmp(a->b, b->b, whole) != 0)
		return false;
	return !rest || ((a->b[whole] ^ b->b[whole]) & mask) == 0;
}

/* Linux takes 0.0.0.0 and :: for the loopback too. */
static bool is_loopback(const struct egress_ip *ip)
{
	static const uint8_t zeros[12];

	if (egress_ip_is_v4(ip))
		return ip->b[12] == 127 || ip->b[12] == 0;
	/* ::, ::1 and the IPv4-compatible addresses nobody uses. */
	return !memcmp(ip->b, zeros, sizeof(zeros));
}

static bool is_link_local(const struct egress_ip *ip)
{
	if (egress_ip_is_v4(ip))
		return ip->b[12] == 169 && ip->b[13] == 254;
	return ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80;
}

static bool is_multicast(const struct egress_ip *ip)
{
	if (egress_ip_is_v4(ip))
		return ip->b[12] >= 224;
	return ip->b[0] == 0xff;
}

/* ---- parsing ------------------------------------------------------------ */

static int bad_rule(const char *text, struct err *e)
{
	return err_set(e, EINVAL,
		       "cannot allow %s: write it like api.example.com:443, "
		       "10.0.0.0/8, [2001:db8::1]:443 or all",
		       text);
}

/* Decimal digits only; false: none, or too large. */
static bool parse_number(unsigned *ret, const char *text, unsigned max)
{
	unsigned n = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		n = n * 10 + (unsigned)(*text - '0');
		if (n > max)
			return false;
	}
	*ret = n;
	return true;
}

/* A name of letters, digits, '-' and '_' in labels of 1 to 63 characters. */
static bool set_name(struct egress_rule *r, const char *host)
{
	size_t len = strlen(host), label = 0, i;
	size_t first = strncmp(host, "*.", 2) == 0 ? 2 : 0;

	if (len && host[len - 1] == '.')
		len--;
	if (len <= first || len > EGRESS_NAME_MAX)
		return false;
	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)host[i];

		r->name[i] = (char)tolower(c);
		if (i < first)
			continue;
		if (c == '.' ? label == 0 : !isalnum(c) && c != '-' && c != '_')
			return false;
		label = c == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	r->name[len] = '\0';
	r->kind = EGRESS_NAME;
	return label > 0;
}

/* Digits and dots only: meant as an address, whatever is wrong with it. */
static bool looks_like_ipv4(const char *host)
{
	return *host && strspn(host, "0123456789.") == strlen(host);
}

static bool set_net(struct egress_rule *r, const char *host, const char *bits)
{
	struct in_addr in;
	bool v4 = inet_pton(AF_INET, host, &in) == 1;
	unsigned n = v4 ? 32 : 128, max = n;

	if (v4)
		r->ip = egress_ip_v4(ntohl(in.s_addr));
	else if (inet_pton(AF_INET6, host, r->ip.b) != 1)
		return false;
	if (bits && !parse_number(&n, bits, max))
		return false;
	r->kind = EGRESS_NET;
	r->bits = (uint8_t)(v4 ? n + 96 : n);
	return true;
}

/* Splits "host/bits:port" and "[v6]/bits:port" in place. */
static bool split(char *text, char **ret_host, char **ret_bits, char **ret_port)
{
	char *rest = text;

	*ret_host = text;
	*ret_bits = *ret_port = NULL;
	if (*text == '[') {
		*ret_host = text + 1;
		rest = strchr(text, ']');
		if (!rest)
			return false;
		*rest++ = '\0';
		if (*rest && *rest != '/' && *rest != ':')
			return false;
	}
	*ret_port = strrchr(rest, ':');
	if (*ret_port)
		*(*ret_port)++ = '\0';
	*ret_bits = strchr(rest, '/');
	if (*ret_bits)
		*(*ret_bits)++ = '\0';
	return strchr(rest, ':') == NULL;
}

static int set_where(struct egress_rule *r, char *copy, const char *text,
		     struct err *e)
{
	char *host, *bits, *port;
	unsigned number = 0;

	if (!split(copy, &host, &bits, &port))
		return bad_rule(text, e);
	if (port && (!parse_number(&number, port, 65535) || !number))
		return err_set(e, EINVAL,
			       "cannot allow %s: port %s is out of range, "
			       "ports are 1 to 65535",
			       text, port);
	r->port = (uint16_t)number;
	if (set_net(r, host, bits))
		return 0;
	if (bits || *copy == '[' || looks_like_ipv4(host))
		return bad_rule(text, e);
	if (strcasecmp(host, "all") == 0)
		r->kind = EGRESS_ALL;
	else if (strcasecmp(host, EGRESS_HOST_NAME) == 0)
		r->kind = EGRESS_HOST;
	else if (!set_name(r, host))
		return bad_rule(text, e);
	return 0;
}

static bool is_guest_itself(const struct egress_rule *r)
{
	if (r->kind == EGRESS_NAME)
		return strcmp(r->name, "localhost") == 0;
	return r->kind == EGRESS_NET && is_loopback(&r->ip) &&
	       r->bits > (egress_ip_is_v4(&r->ip) ? 96 : 0);
}

int egress_policy_add(struct egress_policy *p, const char *text, struct err *e)
{
	struct egress_rule r = { .kind = EGRESS_ALL };
	char copy[EGRESS_NAME_MAX + 16];
	int err;

	if (p->count == EGRESS_RULES_MAX)
		return err_set(e, EINVAL, "more than %u times --egress",
			       EGRESS_RULES_MAX);
	if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy))
		return err_set(e, EINVAL, "cannot allow %s: it is too long",
			       text);
	err = set_where(&r, copy, text, e);
	if (err)
		return err;
	if (is_guest_itself(&r))
		return err_set(e, EINVAL,
			       "cannot allow %s: in a guest that is the guest "
			       "itself; this host is called " EGRESS_HOST_NAME,
			       text);
	p->rules[p->count++] = r;
	return 0;
}

/* ---- deciding ----------------------------------------------------------- */

static bool rule_allows(const struct egress_rule *r, const struct egress_ip *ip)
{
	switch (r->kind) {
	case EGRESS_ALL:
		return !is_link_local(ip);
	case EGRESS_NET:
		return egress_ip_is_v4(&r->ip) == egress_ip_is_v4(ip) &&
		       same_bits(&r->ip, ip, r->bits);
	case EGRESS_HOST:
	case EGRESS_NAME:
		break;
	}
	return false;
}

static uint64_t learned_rules(const struct egress_policy *p,
			      const struct egress_ip *ip)
{
	uint32_t n = p->learned_count;
	uint64_t rules = 0;

	if (n > EGRESS_LEARNED_MAX)
		n = EGRESS_LEARNED_MAX;
	for (uint32_t i = 0; i < n; i++)
		if (!memcmp(&p->learned[i].ip, ip, sizeof(*ip)))
			rules |= p->learned[i].rules;
	return rules;
}

static bool host_port_open(const struct egress_policy *p, uint16_t port)
{
	for (uint32_t i = 0; i < p->count; i++)
		if (p->rules[i].kind == EGRESS_HOST &&
		    (!p->rules[i].port || p->rules[i].port == port))
			return true;
	return false;
}

static bool is_function(const char *name)
{
	size_t len = strlen(name), tail = strlen(EGRESS_FUNCTIONS);

	return len > tail && strcmp(name + len - tail, EGRESS_FUNCTIONS) == 0;
}

static bool calls_functions(const struct egress_policy *p, uint16_t port)
{
	if (port != EGRESS_FUNCTION_PORT || !p->open_functions)
		return false;
	for (uint32_t i = 0; i < p->count; i++)
		if (p->rules[i].kind == EGRESS_NAME &&
		    is_function(p->rules[i].name))
			return true;
	return false;
}

enum egress_verdict egress_policy_check(const struct egress_policy *p,
					const struct egress_ip *ip,
					uint16_t port)
{
	uint64_t learned;

	if (egress_ip_is_v4(ip) && v4_of(ip) == MF_NET_HOST)
		return host_port_open(p, port) ? EGRESS_TO_HOST : EGRESS_DENY;
	if (egress_ip_is_v4(ip) && v4_of(ip) == MF_NET_DNS)
		return EGRESS_TO_DNS;
	if (egress_ip_is_v4(ip) && v4_of(ip) == MF_NET_FUNCTIONS)
		return calls_functions(p, port) ? EGRESS_TO_FUNCTIONS :
						  EGRESS_DENY;
	if (is_loopback(ip) || !port)
		return EGRESS_DENY;
	learned = learned_rules(p, ip);
	for (uint32_t i = 0; i < p->count; i++) {
		const struct egress_rule *r = &p->rules[i];

		if (r->port && r->port != port)
			continue;
		if (rule_allows(r, ip) || (learned >> i & 1))
			return EGRESS_ALLOW;
	}
	return EGRESS_DENY;
}

/* ---- names -------------------------------------------------------------- */

static bool name_matches(const struct egress_rule *r, const char *name)
{
	size_t len = strlen(name), tail;

	if (r->kind != EGRESS_NAME)
		return false;
	if (r->name[0] != '*')
		return strcmp(r->name, name) == 0;
	tail = strlen(r->name + 1); /* with the dot */
	return len > tail && strcmp(name + len - tail, r->name + 1) == 0;
}

bool egress_policy_any_name(const struct egress_policy *p)
{
	for (uint32_t i = 0; i < p->count; i++)
		if (p->rules[i].kind == EGRESS_ALL ||
		    p->rules[i].kind == EGRESS_NET)
			return true;
	return false;
}

static bool has_host(const struct egress_policy *p)
{
	for (uint32_t i = 0; i < p->count; i++)
		if (p->rules[i].kind == EGRESS_HOST)
			return true;
	return false;
}

bool egress_policy_may_resolve(const struct egress_policy *p, const char *name)
{
	if (strcmp(name, EGRESS_HOST_NAME) == 0)
		return has_host(p);
	if (egress_policy_any_name(p))
		return true;
	for (uint32_t i = 0; i < p->count; i++)
		if (name_matches(&p->rules[i], name))
			return true;
	return false;
}

void egress_policy_learn(struct egress_policy *p, const char *name,
			 const struct egress_ip *ip)
{
	uint64_t rules = 0;

	/* A name must not open what its owner has no say over. */
	if (is_loopback(ip) || is_link_local(ip) || is_multicast(ip))
		return;
	for (uint32_t i = 0; i < p->count; i++)
		if (name_matches(&p->rules[i], name))
			rules |= 1ull << i;
	if (!(rules & ~learned_rules(p, ip)))
		return;
	p->learned[p->learned_count % EGRESS_LEARNED_MAX] =
		(struct egress_learned){ .ip = *ip, .rules = rules };
	/* Stays above the maximum once it was reached. */
	if (++p->learned_count == 2 * EGRESS_LEARNED_MAX)
		p->learned_count = EGRESS_LEARNED_MAX;
}

bool egress_policy_may_call(const struct egress_policy *p, const char *function)
{
	char name[EGRESS_NAME_MAX + 1];
	int n = snprintf(name, sizeof(name), "%s" EGRESS_FUNCTIONS, function);

	if (n < 0 || (size_t)n >= sizeof(name))
		return false;
	for (uint32_t i = 0; i < p->count; i++)
		if (is_function(p->rules[i].name) &&
		    name_matches(&p->rules[i], name))
			return true;
	return false;
}

/* ---- refusals ------------------------------------------------------------ */

void egress_policy_say(const struct egress_policy *p, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (p->refused)
		p->refused(p->refused_arg, text);
	else
		log_say("%s", text);
}
