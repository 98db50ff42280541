/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last colon parts address and port; IPv6 addresses have brackets, so
 * that it always is clear which colon that is.
 */
#include "host/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "host/parse.h"

/* Without brackets; NULL: it is too long to be an address. */
static const char *copy_host(char ret[INET6_ADDRSTRLEN], const char *text,
			     size_t len)
{
	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	} else if (memchr(text, ':', len)) {
		return NULL;
	}
	if (len == 0 || len >= INET6_ADDRSTRLEN)
		return NULL;
	memcpy(ret, text, len);
	ret[len] = '\0';
	return ret;
}

int address_parse(struct sockaddr_storage *ret, socklen_t *ret_len,
		  const char *text)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	const char *colon = strrchr(text, ':'), *host = "127.0.0.1";
	char buf[INET6_ADDRSTRLEN];
	uint64_t port;

	if (!parse_number(&port, colon ? colon + 1 : text, 0, 65535))
		return -EINVAL;
	if (colon)
		host = copy_host(buf, text, (size_t)(colon - text));
	if (!host)
		return -EINVAL;
	v4.sin_port = v6.sin6_port = htons((uint16_t)port);
	*ret = (struct sockaddr_storage){ 0 };
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
		memcpy(ret, &v4, sizeof(v4));
		*ret_len = sizeof(v4);
		return 0;
	}
	if (inet_pton(AF_INET6, host, &v6.sin6_addr) != 1)
		return -EINVAL;
	memcpy(ret, &v6, sizeof(v6));
	*ret_len = sizeof(v6);
	return 0;
}
