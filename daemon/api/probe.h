/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a new version answer? One request to it, by the scheduler as any
 * other: mode http is asked for its readiness path, mode stdio is run with
 * no input.
 */
#ifndef DAEMON_API_PROBE_H
#define DAEMON_API_PROBE_H

#include "daemon/api/api.h"
#include "http/head.h"

#define API_PROBE_HEAD 32768u /* bytes of an answer's head */

struct api_probe {
	/* Once; `why` NULL: it is ready, else what is wrong. */
	void (*done)(struct api_probe *p, const char *why);
	const struct api_config *c;
	struct version *version; /* a reference */
	struct dispatch_request request;
	bool submitted, assigned, ended; /* private, and what follows */
	bool eof;
	int status; /* of the answer */
	char end_text[300];
	struct strlist env;
	struct loop_watch watch;
	struct loop_timer timer;
	struct loop_task finish;
	const char *verdict;
	char verdict_text[400];
	int fd;
	struct http_head head;
	size_t sent, len;
	uint64_t bytes;
	char out[2048];
	char in[API_PROBE_HEAD];
};

/* p->done is set by the caller, and comes from the loop, not before this
 * returns. */
void api_probe_start(struct api_probe *p, const struct api_config *c,
		     struct version *v);
/* done() will not come. Harmless if it did, or nothing began. */
void api_probe_cancel(struct api_probe *p);

#endif
