/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies: JSON, texts, problems (RFC 9457), and streams of lines. A second
 * reply to a request, after a first that failed half way, is ignored.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/private.h"
#include "host/cleanup.h"

static const char *phrase(int status)
{
	static const struct {
		int status;
		const char *text;
	} phrases[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 204, "No Content" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 422, "Unprocessable Content" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
		{ 507, "Insufficient Storage" },
	};

	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (phrases[i].status == status)
			return phrases[i].text;
	return "Error";
}

struct reply {
	int status;
	const char *type; /* NULL: no body */
	const char *more; /* header lines, or NULL */
	char *text; /* taken */
	size_t len;
};

static void send_reply(struct api_request *r, struct reply *p)
{
	bool ok = p->status < 400, keep = api_conn_persists(r->conn) && ok;
	char *head = NULL;
	int len;

	if (api_conn_replied(r->conn)) {
		free(p->text);
		return;
	}
	len = asprintf(&head,
		       "HTTP/1.1 %d %s\r\n%s%s%sContent-Length: %zu\r\n"
		       "Cache-Control: no-store\r\n%s%s\r\n",
		       p->status, phrase(p->status),
		       p->type ? "Content-Type: " : "", p->type ? p->type : "",
		       p->type ? "\r\n" : "", p->len, p->more ? p->more : "",
		       keep ? "" : "Connection: close\r\n");
	api_conn_set_replied(r->conn, keep);
	api_conn_queue(r->conn, len < 0 ? NULL : head,
		       len < 0 ? 0 : (size_t)len);
	if (r->method == HTTP_HEAD || p->len == 0)
		free(p->text);
	else
		api_conn_queue(r->conn, p->text, p->len);
	api_conn_finish(r->conn);
}

static void send_json(struct api_request *r, int status, const char *type,
		      const char *more, json_t *o)
{
	struct reply p = { .status = status, .type = type, .more = more };

	p.text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	if (!p.text) {
		p.status = 503;
		p.type = NULL;
	} else {
		p.len = strlen(p.text);
	}
	send_reply(r, &p);
}

void api_reply_json(struct api_request *r, int status, json_t *o)
{
	send_json(r, status, "application/json", NULL, o);
}

void api_reply_text(struct api_request *r, const char *type, char *text,
		    size_t len)
{
	struct reply p = {
		.status = 200, .type = type, .text = text, .len = len
	};

	send_reply(r, &p);
}

void api_reply_empty(struct api_request *r, int status)
{
	struct reply p = { .status = status };
	struct reply none = { .status = status };

	send_reply(r, status == 204 ? &none : &p);
}

json_t *api_problem_json(int status, const char *detail)
{
	return json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank", "title",
			 phrase(status), "status", status, "detail", detail);
}

void api_problem(struct api_request *r, int status, const char *fmt, ...)
{
	const char *more = status == 401 ? "WWW-Authenticate: Bearer\r\n" :
			   status == 503 ? "Retry-After: 1\r\n" :
					   NULL;
	char detail[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	send_json(r, status, "application/problem+json", more,
		  api_problem_json(status, detail));
}

int api_status_of(int code)
{
	switch (code) {
	case EINVAL:
		return 400;
	case EACCES:
	case EPERM:
		return 403;
	case ENOENT:
		return 404;
	case EEXIST:
	case EBUSY:
		return 409;
	case E2BIG:
		return 413;
	case ENOMEM:
		return 503;
	case ENOSPC:
	case EFBIG:
	case EDQUOT:
		return 507;
	default:
		return 500;
	}
}

void api_problem_err(struct api_request *r, const struct err *e)
{
	api_problem(r, api_status_of(e->code), "%s", e->text);
}

/* ---- streams ---- */

void api_stream_begin(struct api_request *r, const char *type)
{
	bool chunks = api_conn_chunks(r->conn);
	bool keep = chunks && api_conn_persists(r->conn);
	char *head = NULL;
	int len;

	if (api_conn_replied(r->conn))
		return;
	len = asprintf(&head,
		       "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n"
		       "Cache-Control: no-store\r\n%s%s\r\n",
		       type, chunks ? "Transfer-Encoding: chunked\r\n" : "",
		       keep ? "" : "Connection: close\r\n");
	api_conn_set_replied(r->conn, keep);
	api_conn_queue(r->conn, len < 0 ? NULL : head,
		       len < 0 ? 0 : (size_t)len);
}

void api_stream_write(struct api_request *r, const char *text, size_t len)
{
	bool chunks = api_conn_chunks(r->conn);
	char head[HTTP_CHUNK_HEAD_MAX];
	size_t head_len = chunks && len ? http_chunk_head(head, len) : 0;
	char *piece;

	if (len == 0)
		return;
	piece = malloc(head_len + len + 2);
	if (piece) {
		memcpy(piece, head, head_len);
		memcpy(piece + head_len, text, len);
		memcpy(piece + head_len + len, "\r\n", 2);
	}
	api_conn_queue(r->conn, piece, head_len + len + (chunks ? 2 : 0));
}

void api_stream_json(struct api_request *r, json_t *o)
{
	AUTO_FREE char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;

	json_decref(o);
	if (!text) {
		api_conn_queue(r->conn, NULL, 0);
		return;
	}
	text[len] = '\n';
	api_stream_write(r, text, len + 1);
}

bool api_stream_full(const struct api_request *r)
{
	return api_conn_pending(r->conn) >= API_STREAM_PENDING;
}

void api_stream_end(struct api_request *r)
{
	if (api_conn_chunks(r->conn)) {
		char *last = strdup(HTTP_LAST_CHUNK);

		api_conn_queue(r->conn, last, strlen(HTTP_LAST_CHUNK));
	}
	api_conn_finish(r->conn);
}
