/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads of HTTP/1.1 messages, of requests and of responses, read strictly:
 * what two parsers could understand differently is refused. The caller keeps
 * all bytes since the first in one buffer and calls again when there are
 * more; however they were split, the result is the same. Nothing is
 * allocated: everything found is an offset into the buffer and a length.
 *
 * The body is not read here: http_framing() says how it ends, and
 * http/chunked.h decodes one of the ways.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_FIELDS_MAX	   100u
#define HTTP_AUTHORITY_MAX 300u /* bytes of a host with its port */

struct http_limits {
	uint32_t head_bytes; /* of the whole head; at most 1 MiB */
	uint32_t line_bytes; /* of the first line; less than head_bytes */
	uint32_t fields; /* at most HTTP_FIELDS_MAX */
};

enum http_name {
	HTTP_OTHER_NAME,
#define HTTP_NAME(id, text, hop) HTTP_##id,
#include "http/names.def"
#undef HTTP_NAME
	HTTP_NAME_COUNT
};

enum http_method {
	HTTP_OTHER_METHOD,
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_PATCH,
	HTTP_OPTIONS,
	HTTP_CONNECT,
	HTTP_TRACE,
};

/* The four forms of a request's target. */
enum http_form {
	HTTP_ORIGIN_FORM, /* /path?query */
	HTTP_ABSOLUTE_FORM, /* http://host/path?query */
	HTTP_AUTHORITY_FORM, /* host:port, of CONNECT only */
	HTTP_ASTERISK_FORM, /* *, of OPTIONS only */
};

enum http_state {
	HTTP_MORE, /* the head is not complete */
	HTTP_DONE, /* http_head.len bytes are the head */
	HTTP_BAD, /* http_head.answer and .why say what is wrong */
};

/* Bytes of the caller's buffer. */
struct http_span {
	uint32_t off, len;
};

struct http_field {
	struct http_span name, value; /* the value without space around it */
	uint8_t id; /* enum http_name */
};

struct http_head {
	uint32_t len; /* bytes of the head with its empty line */
	uint8_t minor; /* of the version: 0 or 1 */
	bool response;

	/* of a request */
	enum http_method method;
	enum http_form form;
	struct http_span method_text, target;
	/* Of the target. The path is empty if the target has none; the query
	 * comes without the question mark and has the offset 0 if there is
	 * no question mark. */
	struct http_span path, query;
	/* The host and port asked for, in absolute form the same as in the
	 * target; empty only in HTTP/1.0. */
	struct http_span host;
	bool expect_continue;

	/* of a response */
	uint16_t status; /* 100 to 599 */
	struct http_span reason; /* may be empty */

	/* of both */
	bool has_length, chunked;
	uint64_t length; /* at most INT64_MAX */
	bool close, keep_alive; /* tokens of Connection */
	bool upgrade; /* Connection says so, and there is an Upgrade field */
	bool nominates; /* Connection names further fields */

	/* of HTTP_BAD: a status to answer with, 502 for a response, and a
	 * sentence without a full stop. */
	uint16_t answer;
	const char *why;

	/* the parser's own */
	struct http_limits limits;
	uint32_t line; /* where the first line that is not parsed begins */
	uint64_t seen; /* a bit for each enum http_name */
	bool started, upgrade_option;

	uint32_t field_count;
	struct http_field fields[HTTP_FIELDS_MAX];
};

/* Makes it ready for a new message; what `limits` says is copied. */
void http_request_init(struct http_head *h, const struct http_limits *limits);
void http_response_init(struct http_head *h, const struct http_limits *limits);

/*
 * `buf` holds the first `len` bytes of the message. After HTTP_MORE the
 * caller adds some and calls again; it may have moved the buffer.
 */
enum http_state http_head_parse(struct http_head *h, const char *buf,
				size_t len);

/* How the body after a head ends. */
enum http_framing {
	HTTP_NO_BODY,
	HTTP_BY_LENGTH, /* after http_head.length bytes, which may be 0 */
	HTTP_BY_CHUNKS,
	HTTP_BY_CLOSE, /* with the connection; of responses only */
	HTTP_TUNNEL, /* it is no HTTP from here on; of responses only */
};

/*
 * `asked` is the method of the request that a response answers; of no
 * meaning if `h` is a request.
 */
enum http_framing http_framing(const struct http_head *h,
			       enum http_method asked);

/* Whether the sender would take another message on this connection. */
bool http_is_persistent(const struct http_head *h);

/* The first field with this name, or NULL. */
const struct http_field *http_find(const struct http_head *h,
				   enum http_name id);
/* As http_find; `name` in lower case. */
const struct http_field *http_find_text(const struct http_head *h,
					const char *buf, const char *name);

/*
 * Whether the field is only for the two ends of this connection: by its
 * name, or because Connection names it.
 */
bool http_is_hop_by_hop(const struct http_head *h, const char *buf,
			const struct http_field *f);

/* The number of a name in any case, or HTTP_OTHER_NAME. */
enum http_name http_name_find(const char *name, size_t len);
const char *http_name_text(enum http_name id);
/* "?" for HTTP_OTHER_METHOD. */
const char *http_method_text(enum http_method method);

/* The words of a comma-separated list, without space around them; empty
 * ones are passed over. */
struct http_list {
	const char *next, *end;
};

struct http_list http_list(const char *buf, struct http_span value);
bool http_list_next(struct http_list *l, const char **ret, size_t *ret_len);

/* Whether the bytes are `word` (lower case), in any case of theirs. */
bool http_text_is(const char *text, size_t len, const char *word);

/* HOST, HOST:PORT or [IPV6]:PORT and nothing else. */
bool http_is_authority(const char *text, size_t len);

#endif
