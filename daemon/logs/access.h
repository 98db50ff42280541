/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The access log: STATE/access.log, a line of JSON for each request
 * that the gateway had, rotated as the logs of functions are. Bytes of
 * clients are made harmless; strings that are too long are cut.
 */
#ifndef DAEMON_LOGS_ACCESS_H
#define DAEMON_LOGS_ACCESS_H

#include <stdint.h>

#include "daemon/logs/logs.h"

/* A request, at its end. Strings may be NULL: not known. */
struct access_entry {
	uint64_t time_ms; /* realtime, of its arrival; 0: duration_us ago */
	const char *request; /* id */
	const char *client; /* address */
	const char *method, *path; /* path as it came, with its query */
	const char *host;
	uint16_t status; /* that the client was sent; 0: none */
	uint64_t bytes_in, bytes_out; /* bodies */
	uint64_t duration_us, queue_us;
	const char *function, *instance;
	uint32_t version; /* 0: none */
	const char *start; /* of its instance, if it summoned one: boot, copy,
			    * again */
	const char *error; /* one sentence, if we answered ourselves */
};

void access_log(struct logs *l, const struct access_entry *e);

#endif
