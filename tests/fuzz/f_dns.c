/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of name servers and of guests that ask them. A question that was
 * understood can be answered, and the answer is understood; addresses lie
 * inside the message.
 */
#include <stdlib.h>
#include <string.h>

#include "launch/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct message {
	const uint8_t *start, *end;
};

static void see(void *ctx, const uint8_t *ip, size_t ip_len)
{
	const struct message *m = ctx;

	if (ip < m->start || ip_len > (size_t)(m->end - ip))
		abort();
}

static void answer(const uint8_t *query, const struct dns_question *q)
{
	static const uint8_t ip[4] = { 192, 0, 2, 1 };
	uint8_t out[DNS_OWN_MAX];
	size_t n = dns_make_answer(out, query, q, DNS_OK, ip);
	struct message m = { out, out + n };

	if (n > sizeof(out) || !dns_is_answer(out, n, q))
		abort();
	dns_each_address(out, n, q, see, &m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t about_a[] = { 0, 0, 1, 0,	 0, 1, 0, 0, 0, 0,
					   0, 0, 1, 'a', 0, 0, 1, 0, 1 };
	struct message m = { data, data + size };
	struct dns_question q;

	if (dns_parse_query(data, size, &q)) {
		if (strlen(q.name) > DNS_NAME_MAX || q.end > size)
			abort();
		answer(data, &q);
	}
	if (!dns_parse_query(about_a, sizeof(about_a), &q))
		abort();
	q.id = size >= 2 ? dns_id(data) : 0;
	if (dns_is_answer(data, size, &q))
		dns_each_address(data, size, &q, see, &m);
	return 0;
}
