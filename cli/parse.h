/* SPDX-License-Identifier: Apache-2.0 */
/* Values of options: published ports, and what host/parse.h has. */
#ifndef CLI_PARSE_H
#define CLI_PARSE_H

#include "host/err.h"
#include "host/parse.h"
#include "launch/options.h"

/* [IP:]HOST:GUEST[/tcp|/udp]; an IPv6 address stands in brackets. */
int parse_port(struct port_map *ret, const char *text, struct err *e);

#endif
