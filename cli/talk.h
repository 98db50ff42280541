/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Talking to mayflyd: one request of its API at a time, over the socket in
 * the state directory, or where MAYFLY_API says, with the token in
 * MAYFLY_TOKEN.
 */
#ifndef CLI_TALK_H
#define CLI_TALK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "host/err.h"
#include "http/head.h"

struct talk {
	const char *method;
	const char *path; /* with its query, encoded */
	const char *headers; /* lines, each with its CR LF; NULL: none */
	const char *type; /* of the body; NULL: none */
	const char *body; /* body_len bytes; NULL: ... */
	size_t body_len;
	int body_fd; /* ... body_len bytes of it, from the start; -1: none */
	/* An answer of any status is what was wanted. */
	bool any_status;
	/* Of an answer that is wanted; may be NULL. */
	void (*head)(void *arg, const struct http_head *h, const char *buf);
	/* Takes the body as it comes; NULL: it is collected. < 0 ends it. */
	int (*data)(void *arg, const char *data, size_t len);
	void *arg;
	/* Silence is not an error: it may take as long as it takes. */
	bool patient;
};

struct talk_answer {
	int status;
	char *text; /* malloc'd, with a NUL; NULL if `data` took it */
	size_t len;
};

/*
 * -ECONNREFUSED if there is no mayflyd; -EREMOTEIO if the answer is an error,
 * of ret->status, with the sentence of the API in *e.
 */
int talk(const struct talk *t, struct talk_answer *ret, struct err *e);
void talk_answer_fini(struct talk_answer *a);

/* JSON for JSON; `body` NULL: none, is taken. *ret may be NULL for 204, and
 * `ret` NULL if nobody wants to know. */
int talk_json(const char *method, const char *path, json_t *body, json_t **ret,
	      struct err *e);

/* Calls `line` for each line of a body that comes in pieces. */
struct talk_lines {
	int (*line)(void *arg, const char *line);
	void *arg;
	char *text; /* private, and the rest */
	size_t len;
};
int talk_lines_add(struct talk_lines *l, const char *data, size_t len);
void talk_lines_fini(struct talk_lines *l);

/* Percent-encoded, malloc'd; NULL: no memory. */
char *talk_encode(const char *text);

#endif
