/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of daemon/api/ share.
 *
 * A request is handled by one function, which answers at once or later, by
 * the calls of reply.c. Those only queue: nothing is sent, and nothing goes
 * away, before the loop is back in conn.c.
 */
#ifndef DAEMON_API_PRIVATE_H
#define DAEMON_API_PRIVATE_H

#include <jansson.h>

#include "daemon/api/api.h"
#include "http/chunked.h"
#include "http/head.h"

#define API_HEAD_MAX	   16384u /* bytes of a request's head */
#define API_IN_MAX	   65536u /* bytes that are read ahead */
#define API_JSON_MAX	   (1u << 20) /* bytes of a JSON body */
#define API_CONNECTIONS	   256u
#define API_PARAMS	   2u
#define API_PARAM_MAX	   128u /* with the NUL */
#define API_QUERY_MAX	   12u
#define API_STREAM_PENDING (128u << 10) /* then a stream is full */
#define API_DEPLOYS_MAX	   8u /* at a time */
#define API_VERSIONS_KEPT  10u /* of a function, besides those in use */

struct api_conn;
struct api_request;

struct api_listener {
	struct loop_watch watch;
	struct api *api;
	int fd; /* -1: none */
	bool local; /* a unix socket */
};

struct api {
	struct api_config c;
	struct api_listener local, tcp;
	char *socket_path;
	struct list conns, deploys;
	struct list children; /* that were left, and end */
	uint32_t conn_count, deploy_count;
	uint64_t started_ms;
	unsigned tcp_port;
};

/* ---- routes ---- */

enum api_body {
	API_NO_BODY,
	API_JSON,
	API_STREAM, /* by r->body_data */
};

struct api_route {
	enum http_method method;
	const char *pattern; /* of segments; {} is a parameter */
	enum api_body body;
	bool open; /* whoever asks */
	const char *query; /* names that it knows, " a b ", or NULL */
	/* With the whole body. API_STREAM: before it; sets body_data and
	 * body_end, or replies. */
	void (*handle)(struct api_request *r);
};

/* Fills r->route and r->params; NULL: *ret_allow has the methods of the
 * path, empty if there is no such path. */
const struct api_route *api_route_find(struct api_request *r, const char *path,
				       char ret_allow[64]);
/* Parts and decodes it. -EINVAL and *e. */
int api_query_parse(struct api_request *r, const char *text, size_t len,
		    struct err *e);
/* The value, "" if it was named without one; NULL: it was not. */
const char *api_query(const struct api_request *r, const char *name);
/* A number, `missing` if it was not named. -EINVAL and a problem replied. */
int api_query_number(struct api_request *r, const char *name, uint64_t missing,
		     uint64_t *ret);

/* ---- requests ---- */

/* Who asks. */
struct api_who {
	bool admin;
	bool invokes; /* a token of that role */
	char function[FUNCTION_NAME_MAX + 1]; /* that it is for; empty: all */
};

struct api_pair {
	const char *name, *value;
};

struct api_request {
	struct api *api;
	struct api_conn *conn;
	const struct api_route *route;
	enum http_method method;
	char params[API_PARAMS][API_PARAM_MAX];
	char *query_text; /* owned, what the pairs point into */
	struct api_pair query[API_QUERY_MAX];
	uint32_t query_count;
	bool wants_csv;
	json_t *json; /* API_JSON */
	uint64_t body_length; /* as announced; UINT64_MAX: not */

	/* API_STREAM. < 0: it replied, no more is wanted. */
	int (*body_data)(struct api_request *r, const char *data, size_t len);
	void (*body_end)(struct api_request *r);
	/* A stream that was full is not any more. */
	void (*writable)(struct api_request *r);
	/* The request is over, however; called once. */
	void (*release)(struct api_request *r);
	void *data;
};

/* ---- reply.c ---- */

/* Takes `o`; NULL is a lack of memory. */
void api_reply_json(struct api_request *r, int status, json_t *o);
/* Takes `text`. */
void api_reply_text(struct api_request *r, const char *type, char *text,
		    size_t len);
void api_reply_empty(struct api_request *r, int status);
void api_problem(struct api_request *r, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The status follows from the code. */
void api_problem_err(struct api_request *r, const struct err *e);
int api_status_of(int code);
json_t *api_problem_json(int status, const char *detail);

void api_stream_begin(struct api_request *r, const char *type);
void api_stream_write(struct api_request *r, const char *text, size_t len);
/* A line; takes `o`. */
void api_stream_json(struct api_request *r, json_t *o);
bool api_stream_full(const struct api_request *r);
void api_stream_end(struct api_request *r);

/* ---- conn.c ---- */

void api_conn_new(struct api_listener *l, int fd, const struct api_who *who,
		  const char *refusal);
void api_conn_free(struct api_conn *c);
struct api_conn *api_conn_of(struct list *node);

/* For reply.c. Takes malloc'd bytes; NULL or no memory ends the connection. */
void api_conn_queue(struct api_conn *c, char *data, size_t len);
size_t api_conn_pending(const struct api_conn *c);
/* The reply is complete. */
void api_conn_finish(struct api_conn *c);
/* For heads of replies. */
bool api_conn_persists(const struct api_conn *c);
bool api_conn_chunks(const struct api_conn *c);
bool api_conn_replied(const struct api_conn *c);
void api_conn_set_replied(struct api_conn *c, bool persists);

/* ---- handlers ---- */

void api_get_health(struct api_request *r);
void api_get_info(struct api_request *r);
void api_list_functions(struct api_request *r);
void api_get_function(struct api_request *r);
void api_delete_function(struct api_request *r);
void api_get_version(struct api_request *r);
void api_put_alias(struct api_request *r);
void api_delete_alias(struct api_request *r);
void api_rollback(struct api_request *r);
void api_head_image(struct api_request *r);
void api_post_image(struct api_request *r);
void api_deploy(struct api_request *r);
void api_list_instances(struct api_request *r);
void api_delete_instance(struct api_request *r);
void api_get_logs(struct api_request *r);
void api_get_history(struct api_request *r);
void api_get_totals(struct api_request *r);
void api_get_stats(struct api_request *r);
void api_get_metrics(struct api_request *r);
void api_list_tokens(struct api_request *r);
void api_post_token(struct api_request *r);
void api_delete_token(struct api_request *r);

/* Or NULL, and a problem was replied. */
struct function *api_find_function(struct api_request *r);
json_t *api_function_json(struct api *a, struct function *f, bool whole);
/* "STATE/images/HEX.img"; NULL if it is no digest, or memory is short. */
char *api_image_path(struct api *a, const char *digest);
/* Ends those that are under way. */
void api_deploys_end(struct api *a);

#endif
