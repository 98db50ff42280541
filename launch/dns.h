/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS messages, as far as a forwarder needs to understand them: whose name a
 * question is about, which addresses an answer gives, and short answers of
 * our own. Everything is bytes of a guest or of the network.
 */
#ifndef LAUNCH_DNS_H
#define LAUNCH_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_MESSAGE_MAX 4096u /* bytes; longer ones are dropped */
#define DNS_HEADER	12u
#define DNS_NAME_MAX	253u
#define DNS_OWN_MAX	512u /* bytes of an answer of our own */

enum dns_type {
	DNS_TYPE_A = 1,
	DNS_TYPE_AAAA = 28,
};

enum dns_code {
	DNS_OK = 0,
	DNS_SERVER_FAILED = 2,
	DNS_NO_SUCH_NAME = 3,
};

struct dns_question {
	char name[DNS_NAME_MAX + 1]; /* lower case, no dot at the end */
	uint16_t id;
	uint16_t type, class;
	uint32_t end; /* offset behind the question */
};

/*
 * False unless msg is a plain query with one question, about a name of
 * printable characters without dots inside its labels.
 */
bool dns_parse_query(const uint8_t *msg, size_t len, struct dns_question *ret);

/* True if msg answers the question and has its identifier. */
bool dns_is_answer(const uint8_t *msg, size_t len,
		   const struct dns_question *want);

/* Calls fn with each address of the answer: 4 or 16 bytes. */
typedef void (*dns_address_fn)(void *ctx, const uint8_t *ip, size_t ip_len);
void dns_each_address(const uint8_t *msg, size_t len,
		      const struct dns_question *q, dns_address_fn fn,
		      void *ctx);

uint16_t dns_id(const uint8_t *msg);
void dns_set_id(uint8_t *msg, uint16_t id);

/*
 * An answer to `query`, which has this question: with a code and, if ip is
 * not NULL, one A record of these 4 bytes. `out` has DNS_OWN_MAX bytes.
 */
size_t dns_make_answer(uint8_t *out, const uint8_t *query,
		       const struct dns_question *q, enum dns_code code,
		       const uint8_t *ip);

#endif
