/* SPDX-License-Identifier: Apache-2.0 */
/* What mayflyd was asked for on its command line; mayflyd(8) documents it. */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "host/err.h"
#include "launch/paths.h"

#define OPTIONS_ADDR_DEFAULT "127.0.0.1:8080"

struct daemon_options {
	const char *state; /* directory; made if it is not there */
	char state_buf[PATHS_MAX];
	const char *listen; /* ADDR:PORT of the gateway */
	const char *api; /* ADDR:PORT, or NULL: the unix socket only */
	const char *api_group; /* may use the unix socket, or NULL */
	const char *tls_cert, *tls_key; /* files, or NULL: none */
	const char *domain; /* functions are hosts below it, or NULL */
	const char *user; /* to become, or NULL */
	const char *cgroups; /* auto, v1, v2, none */
	const char *uids; /* FIRST:COUNT, or NULL */
	uint64_t memory_bytes; /* of all instances; 0: 3/4 of the host's */
	uint64_t instances_max, queue_max, shells;
	uint64_t connections_max; /* of clients of the gateway */
	bool trust_forwarded; /* they are a proxy's */
	uint64_t drain_ms; /* at the end, for requests under way */
	bool no_kvm; /* --substrate process */
	bool help, version;
};

/* `mayflyd --help`. */
void daemon_options_help(void);
int daemon_options_parse(struct daemon_options *ret, int argc, char **argv,
			 struct err *e);

#endif
