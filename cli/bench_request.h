/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request, timed, as a client of the loopback makes it. */
#ifndef CLI_BENCH_REQUEST_H
#define CLI_BENCH_REQUEST_H

#include <stdint.h>

#include "host/err.h"

uint64_t bench_now_ns(void);

/*
 * GET path from 127.0.0.1:port, until the server has closed. While nobody
 * listens it tries again every 50 us. An answer that is no 2xx is an error,
 * and so is none within ten seconds.
 */
int bench_request(uint16_t port, const char *path, struct err *e);

#endif
