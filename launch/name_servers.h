/* SPDX-License-Identifier: Apache-2.0 */
/* The name servers that a guest's questions are passed on to. */
#ifndef LAUNCH_NAME_SERVERS_H
#define LAUNCH_NAME_SERVERS_H

#include <stdint.h>
#include <sys/socket.h>

#include "host/err.h"

#define NAME_SERVERS_MAX 3u

struct name_server {
	struct sockaddr_storage addr;
	socklen_t len;
};

struct name_servers {
	struct name_server server[NAME_SERVERS_MAX];
	uint32_t count;
};

/* Adds ADDR[:PORT], the value of --dns; IPv6 stands in brackets. */
int name_servers_add(struct name_servers *ns, const char *text, struct err *e);

/* Those of this host, if none was added. */
void name_servers_default(struct name_servers *ns);

#endif
