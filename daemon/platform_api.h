/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API of the platform: it is opened when all that it speaks of is there,
 * and closed first.
 */
#ifndef DAEMON_PLATFORM_API_H
#define DAEMON_PLATFORM_API_H

#include "daemon/platform.h"

int platform_open_api(struct platform *p, struct err *e);

#endif
