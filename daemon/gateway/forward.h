/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads as they are passed on. Pure: a head goes in, with what the gateway
 * knows beside it, and text comes out, never larger than the head and
 * FORWARD_EXTRA.
 *
 * Fields of one connection (hop by hop) are dropped in both directions.
 * Towards the function those that the gateway speaks for are its own: what a
 * client sent under their names is dropped, also with _ for -, which CGI and
 * its heirs take for the same.
 */
#ifndef DAEMON_GATEWAY_FORWARD_H
#define DAEMON_GATEWAY_FORWARD_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/gateway/text.h"
#include "http/head.h"

#define FORWARD_EXTRA	2048u
#define TRACEPARENT_LEN 55u
#define REQUEST_ID_LEN	64u /* at most */

/* What is known of a request beside its head. */
struct forward_request {
	const char *client; /* its address, without a port */
	bool tls;
	bool trusted; /* what it forwarded is true, and added to */
	bool upgrade; /* the function is asked to switch protocols */
	bool last; /* its connection gets no other request */
	bool hide_token; /* Authorization was for us */
	const char *id, *instance;
	const char *traceparent;
	bool traced; /* the client's traceparent was good */
	uint64_t start_us; /* realtime */
	uint32_t prefix_len; /* of the path, that the function does not see */
	enum http_framing body;
};

void forward_request(struct text *t, const struct http_head *h, const char *buf,
		     const struct forward_request *f);

struct forward_response {
	const char *id, *instance;
	const char *date; /* now, if the function does not say */
	uint8_t client_minor; /* version of the client */
	bool close; /* the client's connection ends with it */
	bool has_length; /* the client is told the length */
	bool chunked; /* or gets chunks */
	bool upgraded; /* it is a 101 */
};

void forward_response(struct text *t, const struct http_head *h,
		      const char *buf, const struct forward_response *f);

/* A client's own: [A-Za-z0-9._-]{1,64}. */
bool forward_is_sane_id(const char *s, size_t len);

/* Whether the field is one that the gateway speaks for. */
bool forward_is_ours(const char *buf, const struct http_field *f);

/*
 * A traceparent with a parent of its own: of the client's trace if `s` is a
 * good one, else of a new one. `random` is 24 bytes. Returns whether it was.
 */
bool forward_traceparent(char out[TRACEPARENT_LEN + 1], const char *s,
			 size_t len, const uint8_t *random);

void forward_hex(char *out, const uint8_t *bytes, size_t len);

#endif
