/* SPDX-License-Identifier: Apache-2.0 */
/* Values of options: numbers, sizes, durations, published ports. */
#ifndef CLI_PARSE_H
#define CLI_PARSE_H

#include <stdint.h>

#include "host/err.h"
#include "launch/options.h"

/* "512m", "64k", "2g", "1048576"; *ret in bytes, not 0. */
int parse_size(uint64_t *ret, const char *text, struct err *e);

/* "2" and "2s", "500ms", "1m", "1h"; *ret in milliseconds, not 0. */
int parse_duration(uint64_t *ret_ms, const char *text, struct err *e);

/* [IP:]HOST:GUEST[/tcp|/udp]; an IPv6 address stands in brackets. */
int parse_port(struct port_map *ret, const char *text, struct err *e);

#endif
